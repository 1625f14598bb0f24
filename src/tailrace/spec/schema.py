"""The JSON Schema of `tailrace.yml`, for editors; made from the same models that read the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.spec.destination import DestinationSpec
from tailrace.spec.durations import format_duration
from tailrace.spec.mapping import MappingSpec
from tailrace.spec.model import ModelSpec
from tailrace.spec.source import SourceSpec
from tailrace.spec.types import NAME_PATTERN, Spec

Schema = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"  # what YAML language servers read best
_REFERENCE: Schema = {
    "type": "string",
    "pattern": r"\$\{(env|file):[^${}]+\}",
    "description": "A reference: ${env:NAME} or ${file:path}.",
}
_EXPRESSION: Schema = {
    "description": "What fills a field: $column, a template with {{ column | filter }}, a constant, one of"
    " the directives sql, case, literal, value and object, or an object or list of expressions.",
    "anyOf": [
        {"type": ["string", "number", "boolean", "null"]},
        {"type": "array", "items": {"$ref": "#/definitions/expression"}},
        {"type": "object", "additionalProperties": {"$ref": "#/definitions/expression"}},
    ],
}


def project_schema(
    sources: Mapping[str, Schema] | None = None, destinations: Mapping[str, Schema] | None = None
) -> Schema:
    """The schema of `tailrace.yml` and its companions, with a description for every key.

    `sources` and `destinations` give, by type, the JSON Schema of the settings of that type; in an entry of
    another type any setting is allowed.
    """
    definitions: Schema = {"expression": _EXPRESSION}
    model = _entry(ModelSpec, definitions)
    model["oneOf"] = [{"required": [key]} for key in ("sql", "sql_file", "table")]
    model["required"].remove("sql")
    mapping = _entry(MappingSpec, definitions)
    mapping["properties"]["fields"] |= {"additionalProperties": {"$ref": "#/definitions/expression"}}
    definitions |= {
        "source": _typed(_entry(SourceSpec, definitions), sources or {}, definitions, "source"),
        "model": model,
        "destination": _typed(
            _entry(DestinationSpec, definitions), destinations or {}, definitions, "destination"
        ),
        "mapping": mapping,
    }
    return {
        "$schema": _DRAFT,
        "title": "tailrace.yml",
        "type": "object",
        "properties": {
            "version": {"const": 1, "description": "The version of this file format."},
            "project": {
                "type": "string",
                "pattern": NAME_PATTERN,
                "description": "The project's name, part of the state's identity: a new name begins anew.",
            },
            "sources": _section("source", "Warehouse connections, by name."),
            "models": _section("model", "SELECT statements with a unique identifier, by name."),
            "destinations": _section("destination", "Configured business tools, by name."),
            "mappings": _section("mapping", "What is sent where, how and when, by name."),
        },
        "patternProperties": {"^x-": {"description": "Ignored: a place for YAML anchors."}},
        "additionalProperties": False,
        "definitions": dict(sorted(definitions.items())),
    }


def _section(definition: str, description: str) -> Schema:
    return {
        "description": description,
        "type": ["object", "null"],
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": {"$ref": f"#/definitions/{definition}"},
    }


def _entry(spec: type[Spec], definitions: Schema) -> Schema:
    """The schema of an entry, without its name, which stands before the colon."""
    schema = _tidy(spec.model_json_schema(by_alias=True, ref_template="#/definitions/{model}"))
    definitions |= schema.pop("$defs", {})
    for hidden in ("name", "settings"):
        schema["properties"].pop(hidden, None)
    schema["required"] = [key for key in schema.get("required", []) if key != "name"]
    return schema


def _tidy(schema: Any, *, properties: bool = False) -> Any:
    """Without pydantic's invented titles, and without null, which stands for a key that is left out."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {
        key: _tidy(value, properties=key in ("properties", "$defs"))
        for key, value in schema.items()
        if properties or key not in ("title", "default") or (key == "default" and value not in (None, ""))
    }
    branches = tidy.get("anyOf")
    if isinstance(tidy.get("default"), float) and tidy.get("type") == "string":
        tidy["default"] = format_duration(tidy["default"])
    if not properties and isinstance(branches, list):
        kept = [branch for branch in branches if branch != {"type": "null"}]
        tidy["anyOf"] = kept
        if len(kept) == 1:
            del tidy["anyOf"]
            tidy = kept[0] | tidy
    return tidy


def _typed(entry: Schema, types: Mapping[str, Schema], definitions: Schema, kind: str) -> Schema:
    """An entry whose further keys depend on its `type`."""
    common = entry["properties"]
    typed = {
        "description": entry.get("description", ""),
        "type": "object",
        "required": entry["required"],
        "properties": common
        | {"type": common["type"] | {"anyOf": [{"enum": sorted(types)}, {"type": "string"}]}},
        "allOf": [],
    }
    for name, raw in sorted(types.items()):
        settings = _tidy(raw)
        prefix = f"{kind}_{name}_"
        definitions |= {
            prefix + inner: _renamed(schema, prefix) for inner, schema in settings.get("$defs", {}).items()
        }
        own = {key: _or_reference(_renamed(schema, prefix)) for key, schema in settings["properties"].items()}
        typed["allOf"].append(
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {
                    "properties": {key: {} for key in common} | own,
                    "required": settings.get("required", []),
                    "additionalProperties": False,
                },
            }
        )
    if not types:
        del typed["allOf"]
        typed["properties"] = common
    return typed


def _renamed(schema: Any, prefix: str) -> Any:
    """The same schema, its references pointing at definitions under a prefix of their own."""
    if isinstance(schema, list):
        return [_renamed(item, prefix) for item in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {key: _renamed(value, prefix) for key, value in schema.items()}
    target = renamed.get("$ref")
    if isinstance(target, str):
        renamed["$ref"] = f"#/definitions/{prefix}{target.rsplit('/', 1)[1]}"
    return renamed


def _or_reference(schema: Schema) -> Schema:
    """The same setting, which may also be a reference, whatever type its value has."""
    outer = {key: schema[key] for key in ("description", "title", "default") if key in schema}
    return outer | {"anyOf": [schema, _REFERENCE]}
