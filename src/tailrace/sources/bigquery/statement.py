"""How BigQuery's SQL is cut into tokens, to find out whether a model is one query.

Quotes as in https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical: texts in one or three single or
double quotes, raw and bytes ones too, names in backticks, comments also after #; block comments do not nest.
"""

from __future__ import annotations

from tailrace.sources.statement import scanner

BIGQUERY = scanner(
    line_comment=r"(?:--|\#)[^\r\n]*|/\*.*?\*/",
    escaped_text=(
        r"[rRbB]{0,2}(?P<quotes>'''|\"\"\"|'|\")(?:\\.|(?!(?P=quotes)).)*(?P<escaped_text_end>(?P=quotes))?"
    ),
    text="",
    name=r"`(?:[^`\\]|\\.)*(?P<name_end>`)?",
    dollar="",
)
