#!/usr/bin/env bash
# identity_graph()'s pictures, rendered by the real dot: valid SVG with the records, identifiers and refused links that they must
# show. doc/identity_graph.svg, the picture in README.md, must show what README's example gives.
#
#   test/suites/44_picture.sh --write   draws doc/identity_graph.svg anew
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v dot >/dev/null || exit 77
source test/lib/server.sh

place=$(mktemp -d)

server_start
sql --quiet -c 'CREATE EXTENSION identity_resolve'
# The example is README's own.
python3 - >"$place/example.sql" <<'PYTHON'
import re

blocks = re.findall(r"```sql\n(.*?)```", open("README.md").read(), re.S)
print(next(block for block in blocks if "CREATE SCHEMA home" in block))
PYTHON
sql --quiet -f "$place/example.sql" >/dev/null
sql --quiet -At -c "SELECT identity_graph('zendesk', '1303', VARIADIC (SELECT clauses FROM home.clauses))" >"$place/person.dot"
# Values that would break a picture whose texts are not kept apart from its language, and a large identity.
sql --quiet -At >"$place/odd.dot" <<'SQL'
SELECT identity_graph('odd', '1', identity_source('odd', $$SELECT 1, ARRAY[E'"]; x [label="', E'back\\slash\\', E'line\nend', '<b>html</b>', 'zoë—Ж', repeat('ü', 500), '\N', '&amp;']
  AS external_id$$), identity_source('other', $$SELECT n, '<b>html</b>' AS external_id FROM generate_series(1, 300) n$$))
SQL
server_stop

# The trap that server.sh sets is free again.
trap 'rm -rf "$place"' EXIT
for name in person odd; do dot -Tsvg "$place/$name.dot" >"$place/$name.svg"; done
if [[ ${1:-} == --write ]]; then cp "$place/person.svg" doc/identity_graph.svg; fi
python3 - "$place" <<'PYTHON'
import sys
import xml.etree.ElementTree as xml

SVG = "{http://www.w3.org/2000/svg}"
passed = failed = 0


def check(what, found, expected):
    global passed, failed
    good = found == expected
    passed, failed = passed + good, failed + (not good)
    if not good:
        print(f"FAILED: {what}\n  found    {found}\n  expected {expected}")


def texts(path):
    return sorted(text.text for text in xml.parse(path).getroot().iter(SVG + "text"))


def dashed(path):
    return sum("stroke-dasharray" in path.attrib for path in xml.parse(path).getroot().iter(SVG + "path"))


person = f"{sys.argv[1]}/person.svg"
check("the texts", texts(person), sorted(["app ann", "app bob", "salesforce 00Q1", "zendesk 1303", "user_id", "ann", "email", "family@home.com", "conflict"]))
check("the refused links", dashed(person), 1)
check("the picture in doc/", texts("doc/identity_graph.svg"), texts(person))
odd = texts(f"{sys.argv[1]}/odd.svg")
for value in ('"]; x [label="', "back\\slash\\", "<b>html</b>", "zoë—Ж", "\\N", "&amp;", "line", "end"):
    check(f"the value {value}", value in odd, True)
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
PYTHON
