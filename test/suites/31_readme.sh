#!/usr/bin/env bash
# Every example of README.md, doc/guards.md, doc/maps.md, doc/matching.md, doc/check.md and doc/seven-tools.md runs, and shows what it says: each ```sql block is run, in order, and
# if a ```text block follows, psql's output (errors included) must be that, blanks aside. README.md, doc/guards.md, doc/maps.md, doc/matching.md and doc/check.md run on
# test/sample/well_known.sql, doc/discover.md and doc/seven-tools.md on test/sample/generate.sql.
#
#   test/suites/31_readme.sh          checks
#   test/suites/31_readme.sh --write  puts the true output into the text blocks
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/lib/server.sh

library=$("$PG_CONFIG" --pkglibdir)/pg_cron.so
if [[ -e $library ]]; then
  server_start "shared_preload_libraries = 'pg_cron'" "cron.database_name = 'readme'"
else
  server_start
fi
sql --quiet --command='CREATE DATABASE readme' --command='CREATE DATABASE tools'
sql --quiet --dbname=readme --single-transaction --file=test/sample/well_known.sql
sql --quiet --dbname=tools --single-transaction --file=test/sample/generate.sql
sql --quiet --dbname=tools --command='CREATE EXTENSION identity_resolve'
if [[ -e $library ]]; then sql --quiet --dbname=readme --command='CREATE EXTENSION pg_cron'; fi

status=0
python3 - "$([[ -e $library ]] && echo cron)" "$@" <<'PYTHON' || status=$?
import re, subprocess, sys

has_cron, write = sys.argv[1] == "cron", "--write" in sys.argv
passed = failed = skipped = 0


def psql(database, statements):
    run = subprocess.run(["psql", "--no-psqlrc", "--quiet", "--dbname", database], input=statements, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=True)
    # Tables without blanks at the ends of lines; errors without the place in the script, the lines and the mark below.
    lines = [re.sub(r"^psql:<stdin>:\d+: ", "", line).rstrip() for line in run.stdout.splitlines()]
    return "\n".join(line for line in lines if not re.match(r"LINE \d+:|\s*\^$|CONTEXT:", line)).strip("\n")


for path, database in (("README.md", "readme"), ("doc/check.md", "readme"), ("doc/discover.md", "tools"), ("doc/guards.md", "readme"), ("doc/maps.md", "readme"), ("doc/matching.md", "readme"), ("doc/seven-tools.md", "tools")):
    text = open(path).read()
    blocks = list(re.finditer(r"```(\w+)\n(.*?)```", text, re.S))
    for n, block in enumerate(blocks):
        if block[1] != "sql":
            continue
        where = f"{path}, line {text.count(chr(10), 0, block.start()) + 1}"
        if "cron." in block[2] and not has_cron:
            print(f"skipped: {where} (pg_cron is not installed)")
            skipped += 1
            continue
        found = psql(database, block[2])
        follows = blocks[n + 1] if n + 1 < len(blocks) and blocks[n + 1][1] == "text" else None
        if follows and write:
            # by the block's own text, as the places move
            now = open(path).read()
            open(path, "w").write(now.replace(block[0] + text[block.end():follows.start()] + follows[0],
                                              block[0] + text[block.end():follows.start()] + "```text\n" + found + "\n```"))
        shown = follows[2].strip("\n") if follows else None
        squeeze = lambda s: re.sub(r"[ -]+", " ", s)
        if "ERROR:" in found if shown is None else squeeze(shown) != squeeze(found):
            print(f"FAILED: {where}\n{found}\n")
            failed += 1
        else:
            passed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0)
PYTHON
server_stop
exit $status
