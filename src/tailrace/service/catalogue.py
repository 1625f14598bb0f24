"""The catalogue of source and destination types with their settings, and the JSON Schema of the files."""

from __future__ import annotations

from typing import Any, Literal

from tailrace.destinations.fields import Field
from tailrace.destinations.registry import destination_type, destination_types
from tailrace.errors import ConfigError
from tailrace.service.documents import CatalogueDocument, CatalogueEntryDocument, FieldDocument
from tailrace.sources.registry import source_type, source_types
from tailrace.spec.schema import project_schema

_JSON_TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "headers": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
}


def catalogue(kind: Literal["sources", "destinations"]) -> CatalogueDocument:
    """Every type of source or destination that is installed, with its settings."""
    entries = [_source(name) for name in source_types()] if kind == "sources" else []
    if kind == "destinations":
        entries = [_destination(name) for name in destination_types()]
    return CatalogueDocument(kind=kind, entries=entries)


def files_schema() -> dict[str, Any]:
    """The JSON Schema of `tailrace.yml`, with the settings of every installed type."""
    sources: dict[str, dict[str, Any]] = {}
    for name in source_types():
        try:
            sources[name] = source_type(name).settings_model.model_json_schema()
        except ConfigError:
            continue
    destinations = {
        name: _destination_schema(destination_type(name).settings) for name in destination_types()
    }
    return project_schema(sources, destinations)


def _destination_schema(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: _field_schema(field) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _field_schema(field: Field) -> dict[str, Any]:
    if field.choices:
        shape: dict[str, Any] = {"enum": list(field.choices)}
    else:
        shape = dict(_JSON_TYPES.get(field.type, {"type": "string"}))
    return {**shape, "description": field.help or field.label}


def _source(name: str) -> CatalogueEntryDocument:
    try:
        declared = source_type(name)
    except ConfigError as error:
        return CatalogueEntryDocument(
            type=name, title=name, description=f"{error.message}. {error.hint}", settings=[]
        )
    schema = declared.settings_model.model_json_schema()
    required = set(schema.get("required", []))
    settings = [
        FieldDocument(
            name=field,
            label=str(shape.get("title", field)),
            help=str(shape.get("description", "")),
            type=str(shape.get("type", "object" if "$ref" in shape else "text")),
            required=field in required,
            default=shape.get("default"),
            secret=field == "password",
        )
        for field, shape in schema.get("properties", {}).items()
    ]
    sentence, end, _ = " ".join((declared.__doc__ or "").split()).partition(". ")
    return CatalogueEntryDocument(
        type=name, title=name, description=sentence + end.strip(), settings=settings
    )


def _destination(name: str) -> CatalogueEntryDocument:
    declared = destination_type(name)
    return CatalogueEntryDocument(
        type=name,
        title=declared.title,
        description=declared.description,
        settings=[
            FieldDocument(
                name=field.name,
                label=field.label,
                help=field.help,
                type=field.type,
                required=field.required,
                default=field.default,
                secret=field.secret,
            )
            for field in declared.settings
        ],
        actions=[action.name for action in declared.actions],
    )
