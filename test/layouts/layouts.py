#!/usr/bin/env python3
"""Lays tables of SaaS tools out in PostgreSQL as a loader does, by a seed.

    layouts.py FOLDER LOADER SEED MANIFEST >script.sql

FOLDER holds CSV files in Fivetran's column names, one folder per tool: those that the makers of dbt packages publish, or those that
company.sql makes. LOADER is one of `layouts.py --loaders`. The script creates schemas and tables and fills them. MANIFEST receives a
CSV file: each relation, and the file it came from.

The seed chooses names of schemas, prefixes of tables, types, whether a column without a value exists, what the company calls its own users or whether
they are there at all, and whether there are two accounts of a tool. Seed 0 chooses nothing: a schema
is named like its tool, a column is there, and has the type of its values. The same arguments give the same script, byte for byte.
What a loader does to names and columns is told in LOADERS, and follows the documentation of each (Fivetran's system columns; Airbyte's
Postgres destination; Stitch on nested data; Segment's warehouse schemas; dlt; Estuary). Needs Python 3.8 and its standard library.
"""
import csv
import datetime
import hashlib
import json
import os
import re
import sys

csv.field_size_limit(1 << 24)
SYNCED = "2026-03-01 06:00:00+00"

# Tables that no loader brings: a company's own, and lists of words.
OWN = ("production", "warehouse", "kanoniv", "idr_sample", "name_lists")
# Tables that Segment itself writes, whoever else loads the other tools.
SEGMENT = ("segment",)
# The cloud tools that Segment can load.
SEGMENT_CLOUD = ("zendesk", "stripe", "salesforce", "intercom", "mailchimp", "marketo", "hubspot")

ABBREVIATIONS = {"salesforce": "sf", "zendesk": "zd", "intercom": "ic", "mailchimp": "mc", "hubspot": "hs", "marketo": "mkto"}
PLURALS = {
    ("mailchimp", "member"): "list_members", ("klaviyo", "person"): "profiles", ("pendo", "visitor_history"): "visitors",
    ("recurly", "account_history"): "accounts", ("iterable", "user_history"): "users",
}


def draw(*topic):
    """A number in [0, 1) that depends on the topic alone."""
    return int(hashlib.md5("/".join(map(str, topic)).encode()).hexdigest()[:12], 16) / 16**12


def pick(choices, *topic):
    return choices[int(draw(*topic) * len(choices))]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def camel(name, first_upper):
    words = name.split("_")
    words = [w[:1].upper() + w[1:] for w in words]
    result = "".join(words)
    return result if first_upper else result[:1].lower() + result[1:]


def plural(tool, name):
    if (tool, name) in PLURALS:
        return PLURALS[tool, name]
    name = re.sub(r"_history$", "", name)
    if name.endswith("s") or name.startswith("activity_"):
        return name
    return name[:-1] + "ies" if re.search(r"[^aeiou]y$", name) else name + "s"


def is_true(value):
    return (value or "").lower() in ("true", "t", "1")


def epoch(value):
    """Seconds since 1970, as the APIs of Stripe and Intercom give times."""
    if value is None:
        return None
    when = datetime.datetime.strptime(value[:19].replace("T", " "), "%Y-%m-%d %H:%M:%S")
    return str(int((when - datetime.datetime(1970, 1, 1)).total_seconds()))


class Table:
    def __init__(self, origin, tool, account, name, columns, size):
        self.origin, self.tool, self.account, self.name = origin, tool, account, name
        self.columns, self.size = columns, size  # {name: [value or None]}
        self.types = {}  # what is not to be told from the values

    def rename(self, name_of):
        self.columns = {name_of(name): values for name, values in self.columns.items()}
        self.types = {name_of(name): type_ for name, type_ in self.types.items()}

    def keep(self, is_kept):
        kept = [i for i in range(self.size) if is_kept(i)]
        self.columns = {name: [values[i] for i in kept] for name, values in self.columns.items()}
        self.size = len(kept)

    def add(self, name, value, type_):
        self.columns[name] = [value(i) for i in range(self.size)]
        self.types[name] = type_

    def pop(self, name):
        return self.columns.pop(name, None)

    def fold(self, prefix, into, key_of):
        """Moves the columns of a prefix into one JSON object."""
        names = [n for n in self.columns if n.startswith(prefix)]
        if not names:
            return
        parts = {n: self.columns.pop(n) for n in names}
        self.add(into, lambda i: json.dumps({key_of(n[len(prefix):]): parts[n][i] for n in names if parts[n][i] is not None}), "jsonb")

    def unfold(self, name, separator):
        """Gives each key of a JSON object a column."""
        objects = [json.loads(v) if v and v.startswith("{") else {} for v in self.columns.get(name, [])]
        if not any(objects):
            return
        del self.columns[name]
        for key in sorted({k for o in objects for k in o}):
            self.columns[name + separator + key] = [None if o.get(key) is None else str(o[key]) for o in objects]


def read(folder):
    """The tables of a folder, as Fivetran has them: (Table, deleted flags, inactive flags)."""
    paths = sorted(os.path.join(d, f) for d, _, files in os.walk(folder) for f in files if f.endswith(".csv"))
    for path in paths:
        origin = os.path.relpath(path, folder)[:-4]
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
        columns, header = {}, []
        for name in rows[0]:
            again = 2
            unique = name
            while unique in header:  # one name twice in a header: the second is name_2
                unique, again = f"{name}_{again}", again + 1
            header.append(unique)
        for i, name in enumerate(header):
            columns[name] = [row[i] if i < len(row) and row[i] != "" else None for row in rows[1:]]
        parts = origin.split("/")
        tool, account, name = parts[0], 1 if len(parts) == 2 else 2, parts[-1]
        name = re.sub(r"_data(_postgres)?$", "", name)
        for other in ("shopify_gql", "shopify", "klaviyo", "zendesk", "hubspot", "marketo", "pardot", "amplitude", "jira", "sf", "example_segment",
                      "sample", "customer360_"):
            if name.startswith(other + "_"):
                name = name[len(other) + 1:]
                tool = other if other.startswith(("shopify", "klaviyo")) else tool
                break
        yield Table(origin, tool, account, name, columns, len(rows) - 1)


# What each loader makes of a table of Fivetran's ---------------------------------------------------------------------------------------


def without_fivetran(table):
    """Takes Fivetran's own columns and rows of older versions away. Returns which rows are deleted."""
    active = table.pop("_fivetran_active")
    if active and "_history" in table.name:
        newest = [is_true(v) for v in active]
    elif "_history" in table.name and "updated_at" in table.columns and "id" in table.columns:
        last = {}
        for i, key in enumerate(table.columns["id"]):
            if key not in last or table.columns["updated_at"][i] >= table.columns["updated_at"][last[key]]:
                last[key] = i
        newest = [last[key] == i for i, key in enumerate(table.columns["id"])]
    else:
        newest = [True] * table.size
    deleted = table.pop("_fivetran_deleted") or [None] * table.size
    for name in ("_fivetran_synced", "_fivetran_start", "_fivetran_end", "_fivetran_id"):
        table.pop(name)
    table.keep(lambda i: newest[i])
    return [is_true(d) for d, n in zip(deleted, newest) if n]


def drop_deleted(table, deleted):
    """Where a loader reads a tool's API, what is deleted there is not in the answer."""
    flags = [is_true(v) for v in table.pop("is_deleted")] if table.tool == "stripe" and "is_deleted" in table.columns else [False] * table.size
    table.keep(lambda i: not deleted[i] and not flags[i])


def api_names(table):
    """The names of a tool's own API."""
    if table.tool == "salesforce":
        custom = lambda n: "_".join(w[:1].upper() + w[1:] for w in n[:-2].split("_")) + "__c"
        table.rename(lambda n: custom(n) if n.endswith("_c") else camel(n, True))
    elif table.tool == "marketo":
        table.rename(lambda n: camel(n, False))


def nest(table):
    """The objects of a tool's own API, as JSON."""
    if table.tool == "stripe" and table.name == "customer":
        table.fold("address_", "address", str)
        table.fold("shipping_address_", "shipping", str)
        if "metadata" in table.columns:
            table.types["metadata"] = "jsonb"
    elif table.tool == "mailchimp":
        table.fold("merge_", "merge_fields", str.upper)
    elif table.tool == "intercom":
        table.fold("custom_", "custom_attributes", str)


def flatten(table, separator):
    for name in [n for n in table.columns if n == "metadata"]:
        table.unfold(name, separator)
    if separator == "__":
        if table.tool == "stripe" and table.name == "customer":
            table.rename(lambda n: re.sub(r"^(shipping_address|address|shipping)_", r"\1__", n))
        elif table.tool == "mailchimp":
            table.rename(lambda n: re.sub(r"^merge_", "merge_fields__", n))
        elif table.tool == "intercom":
            table.rename(lambda n: re.sub(r"^custom_", "custom_attributes__", n))


def epochs(table):
    names = {"stripe": ("created",), "intercom": ("created_at", "updated_at", "signed_up_at")}.get(table.tool, ())
    for name in names:
        if name in table.columns:
            table.columns[name] = [epoch(v) for v in table.columns[name]]


def hubspot(table, rename):
    if table.tool == "hubspot":
        table.rename(lambda n: rename(n[len("property_"):]) if n.startswith("property_") else n)


def fivetran(table, seed):
    if "_fivetran_synced" not in table.columns:
        table.add("_fivetran_synced", lambda i: SYNCED, "timestamptz")
    yield table.name, table


def fivetran_history(table, seed):
    """History mode: each row has an older version, which held what another row holds now; of a deleted one no version is active."""
    if "_history" in table.name or table.size < 2 or "id" not in table.columns:
        yield from fivetran(table, seed)
        return
    deleted = [is_true(v) for v in table.pop("_fivetran_deleted") or [None] * table.size]
    size, kept = table.size, {"id", "list_id"}
    for name, values in table.columns.items():
        table.columns[name] = (values if name in kept else values[1:] + values[:1]) + values
    table.size = 2 * size
    table.add("_fivetran_active", lambda i: "true" if i >= size and not deleted[i - size] else "false", "boolean")
    table.add("_fivetran_start", lambda i: "2025-01-01 00:00:00+00" if i < size else "2025-06-01 00:00:00+00", "timestamptz")
    table.add("_fivetran_end", lambda i: "2025-05-31 23:59:59.999+00" if i < size else "9999-12-31 23:59:59.999+00", "timestamptz")
    table.columns.pop("_fivetran_synced", None)
    table.add("_fivetran_synced", lambda i: SYNCED, "timestamptz")
    yield table.name, table


def airbyte_stream(table, seed):
    drop_deleted(table, without_fivetran(table))
    epochs(table)
    nest(table)
    if table.tool == "hubspot":
        properties = {n[len("property_"):]: v for n, v in table.columns.items() if n.startswith("property_")}
        table.rename(lambda n: n.replace("property_", "properties_", 1))
        if properties:
            table.add("properties", lambda i: json.dumps({k: v[i] for k, v in properties.items()}), "jsonb")
    name = camel(re.sub("_history$", "", table.name), True) if table.tool == "salesforce" else plural(table.tool, table.name)
    api_names(table)
    return name


def airbyte_id(table, i):
    return hashlib.md5(f"{table.origin}/{i}".encode()).hexdigest()


def airbyte(table, seed):
    """Airbyte 3: a table per stream, names as the API has them. By some seeds the raw tables of 2.x are still there."""
    name = airbyte_stream(table, seed)
    raw = raw_table(table, name)
    table.add("_airbyte_raw_id", lambda i: airbyte_id(table, i), "varchar")
    table.add("_airbyte_extracted_at", lambda i: SYNCED, "timestamptz")
    table.add("_airbyte_meta", lambda i: '{"changes": []}', "jsonb")
    if seed % 2 == 0:
        table.add("_airbyte_generation_id", lambda i: "1", "bigint")
    yield name, table
    if seed % 2 == 1:
        yield raw


def raw_table(table, name):
    raw = Table(table.origin, table.tool, table.account, name, {}, table.size)
    columns = dict(table.columns)

    def document(i):
        row = {}
        for column, values in columns.items():
            value = values[i]
            if value is not None and table.types.get(column) == "jsonb":
                value = json.loads(value)
            elif value is not None and re.fullmatch(r"[1-9]\d{0,17}", value) and column.lower() in ("id", "vid"):
                value = int(value)
            row[column] = value
        return json.dumps(row)

    raw.add("_airbyte_raw_id", lambda i: airbyte_id(table, i), "varchar")
    raw.add("_airbyte_data", document, "jsonb")
    raw.add("_airbyte_extracted_at", lambda i: SYNCED, "timestamptz")
    raw.add("_airbyte_loaded_at", lambda i: SYNCED, "timestamptz")
    raw.add("_airbyte_meta", lambda i: '{"changes": []}', "jsonb")
    return "airbyte_internal", f"{{schema}}_raw__stream_{name}", raw


def airbyte_raw(table, seed):
    """Only the raw tables of Airbyte 2.x."""
    yield raw_table(table, airbyte_stream(table, seed))


def stitch(table, seed):
    drop_deleted(table, without_fivetran(table))
    flatten(table, "__")
    name = table.name if table.tool == "salesforce" else plural(table.tool, table.name)
    name = re.sub("_history$", "", name)
    api_names(table)
    table.rename(str.lower)
    table.add("_sdc_batched_at", lambda i: SYNCED, "timestamptz")
    table.add("_sdc_received_at", lambda i: SYNCED, "timestamptz")
    table.add("_sdc_sequence", lambda i: str(1700000000000 + i), "bigint")
    table.add("_sdc_table_version", lambda i: "1", "bigint")
    yield name, table


def segment(table, seed):
    """Segment's cloud sources, for the tools that it knows; the others come by Fivetran."""
    if table.tool not in SEGMENT_CLOUD:
        yield from fivetran(table, seed)
        return
    drop_deleted(table, without_fivetran(table))
    flatten(table, "_")
    hubspot(table, lambda n: f"properties_{n}_value")
    table.add("received_at", lambda i: SYNCED, "timestamptz")
    table.add("uuid_ts", lambda i: SYNCED, "timestamptz")
    if table.tool == "zendesk" and table.name == "user":
        table.pop("created_at")
    if table.tool == "intercom" and re.sub("_history$", "", table.name) == "contact":
        # Intercom's first API: users, and leads in a table named contacts, both with user_id, which Intercom makes up for a lead.
        table.rename(lambda n: "user_id" if n == "external_id" else n)
        roles = table.pop("role")
        leads = Table(table.origin, table.tool, table.account, "contacts", dict(table.columns), table.size)
        leads.types = dict(table.types)
        leads.keep(lambda i: roles[i] == "lead")
        table.keep(lambda i: roles[i] != "lead")
        yield "users", table
        yield "contacts", leads
        return
    yield plural(table.tool, table.name), table


def hevo(table, seed):
    """Hevo keeps deleted rows and marks them; an empty text stays an empty text."""
    deleted = without_fivetran(table)
    name = re.sub("_history$", "", table.name) if table.tool == "salesforce" else plural(table.tool, table.name)
    hubspot(table, lambda n: f"properties_{n}")
    api_names(table)
    table.rename(str.lower)
    if not {"id", "email"} & set(table.columns):
        table.add("__hevo_id", lambda i: airbyte_id(table, i), "text")
    table.add("__hevo__ingested_at", lambda i: epoch(SYNCED) + "000", "bigint")
    table.add("__hevo__loaded_at", lambda i: epoch(SYNCED) + "000", "bigint")
    table.add("__hevo__marked_deleted", lambda i: str(deleted[i]).lower(), "boolean")
    for column, values in table.columns.items():
        if type_of(table, column) == "text" and any(v is not None for v in values):
            table.columns[column] = ["" if v is None else v for v in values]
    yield name, table


def meltano(table, seed):
    """Singer's target-postgres: names as the tap has them, in their case."""
    deleted = without_fivetran(table)
    if table.tool == "stripe" and "is_deleted" in table.columns:
        drop_deleted(table, deleted)
        deleted = [False] * table.size
    nest(table)
    if table.tool == "hubspot":
        table.fold("property_", "properties", str)
    name = camel(re.sub("_history$", "", table.name), True) if table.tool == "salesforce" else plural(table.tool, table.name)
    api_names(table)
    table.add("_sdc_extracted_at", lambda i: SYNCED, "timestamp")
    table.add("_sdc_received_at", lambda i: SYNCED, "timestamp")
    table.add("_sdc_batched_at", lambda i: SYNCED, "timestamp")
    table.add("_sdc_deleted_at", lambda i: SYNCED if deleted[i] else None, "timestamp")
    table.add("_sdc_sequence", lambda i: str(1700000000000 + i), "bigint")
    table.add("_sdc_table_version", lambda i: "1", "bigint")
    yield name, table


def dlt(table, seed):
    drop_deleted(table, without_fivetran(table))
    flatten(table, "__")
    hubspot(table, lambda n: f"properties__{n}")
    if table.tool == "salesforce":
        table.rename(lambda n: n[:-2] + "__c" if n.endswith("_c") else n)
    name = re.sub("_history$", "", table.name) if table.tool == "salesforce" else plural(table.tool, table.name)
    table.add("_dlt_load_id", lambda i: "1772344800.123", "varchar")
    table.add("_dlt_id", lambda i: airbyte_id(table, i)[:14], "varchar")
    yield name, table


def estuary(table, seed):
    """Estuary keeps the last state of a deleted document, and says 'd' of it."""
    deleted = without_fivetran(table)
    if table.tool == "stripe" and "is_deleted" in table.columns:
        deleted = [d or is_true(v) for d, v in zip(deleted, table.pop("is_deleted"))]
    nest(table)
    if table.tool == "hubspot":
        table.fold("property_", "properties", str)
    name = re.sub("_history$", "", table.name) if table.tool == "salesforce" else plural(table.tool, table.name)
    api_names(table)
    table.add("flow_published_at", lambda i: SYNCED, "timestamptz")
    table.add("_meta/op", lambda i: "d" if deleted[i] else "u", "text")
    columns = dict(table.columns)
    table.add("flow_document", lambda i: json.dumps({n: v[i] for n, v in columns.items()}), "json")
    yield name, table


LOADERS = {f.__name__: f for f in (fivetran, fivetran_history, airbyte, airbyte_raw, stitch, segment, hevo, meltano, dlt, estuary)}


# Writing it down ------------------------------------------------------------------------------------------------------------------------


def type_of(table, column):
    if column in table.types:
        return table.types[column]
    values = [v for v in table.columns[column] if v is not None]
    if not values:
        return "text"
    if all(v in ("TRUE", "FALSE", "true", "false") for v in values):
        return "boolean"
    if all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", v) for v in values):
        return "bigint"
    if all(re.fullmatch(r"-?\d{1,9}\.\d{1,9}", v) for v in values):
        return "double precision"
    if all(re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d+)?)? ?(UTC)?", v) for v in values):
        return "timestamptz"
    return "text"


# How frameworks call a table of users and its columns: (table, what the columns are called).

USERS = [
    ("users", {}),
    ("User", {"full_name": "fullName", "company_name": "companyName", "created_at": "createdAt", "updated_at": "updatedAt"}),  # Prisma
    ("auth_user", {"full_name": "first_name", "created_at": "date_joined", "updated_at": "last_login"}),  # Django
    ("wp_users", {"id": "ID", "email": "user_email", "username": "user_login", "full_name": "display_name", "created_at": "user_registered"}),  # WordPress
    ("app_members", {"email": "email_address"}),
]


def as_used(tables, seed):
    """What a company makes of it: its own users under a framework's names, or not here at all; two accounts of one tool."""
    for table in tables:
        if table.tool == "production" and table.name == "users" and seed > 0:
            table.name, names = USERS[seed % len(USERS)]
            table.rename(lambda n: names.get(n, n))
        if seed % 4 == 3 and table.tool in ("production", "warehouse"):
            continue
        if table.tool == "segment" and seed % 5 == 4:  # RudderStack writes the same tables; what a call tells of a user is in its context
            if table.name == "identifies":
                table.rename(lambda n: "context_traits_email" if n == "email" else n)
            table.add("context_library_name", lambda i: "RudderLabs JavaScript SDK", "text")
        if table.tool == "zendesk" and table.name == "user" and table.account == 1 and seed % 3 == 2:
            second = Table(table.origin, table.tool, 2, table.name, dict(table.columns), table.size)
            table.keep(lambda i: i % 2 == 0)
            second.keep(lambda i: i % 2 == 1)
            yield second
        yield table


class Names:
    """What the seed calls schemas and tables."""

    def __init__(self, loader, seed):
        self.loader, self.seed = loader, seed
        # All tools in one schema, told apart by prefixes; or a schema for each.
        self.is_one_schema = seed > 0 and loader not in ("airbyte_raw", "segment") and draw(seed, loader, "one schema") < 0.4
        self.taken = {}

    def schema(self, table):
        tool, account = table.tool, table.account
        suffix = "" if account == 1 else f"_{account}"
        if tool in OWN or self.seed == 0:
            return tool + suffix
        if tool in SEGMENT:
            return pick(["segment", "website", "js_prod", "rudder"], self.seed, "segment")
        if self.is_one_schema:
            return pick(["public", "lake", "raw"], self.seed, self.loader, "lake")
        choice = pick(["{t}", "raw_{t}", "{l}_{t}", "{t}_prod", "{T} Prod", "src_{t}", "etl{n}"], self.seed, self.loader, tool)
        numbers = sorted(["zendesk", "stripe", "salesforce", "intercom", "mailchimp", "marketo", "hubspot", "shopify", "shopify_gql", "klaviyo"])
        number = numbers.index(tool) + 10 if tool in numbers else 30 + len(tool)
        return choice.format(t=tool, T=tool.capitalize(), l=self.loader.split("_")[0], n=f"{number}_{tool[-1]}") + suffix

    def table(self, table, name):
        if table.tool in OWN or table.tool in SEGMENT or not self.is_one_schema:
            return name
        short = ABBREVIATIONS.get(table.tool, table.tool) if draw(self.seed, "short") < 0.5 else table.tool
        prefix = short + ("" if table.account == 1 else str(table.account)) + "_"
        return name if name.startswith("_") else prefix + name

    def relation(self, schema, name):
        """A name of its own, of at most 63 bytes."""
        name = name[:60]
        while (schema, name) in self.taken:
            name += "_"
        self.taken[schema, name] = True
        return schema, name


def copy_text(value):
    if value is None:
        return r"\N"
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def main():
    if sys.argv[1:] == ["--loaders"]:
        print(*LOADERS, sep="\n")
        return
    folder, loader, seed, manifest_path = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    lay_out, names = LOADERS[loader], Names(loader, seed)
    is_typed = seed == 0 or draw(seed, loader, "typed") < 0.8
    is_sparse = seed > 0 and draw(seed, loader, "sparse") < 0.5
    manifest, schemas = [], set()
    out = sys.stdout
    out.write("SET client_min_messages = warning;\nSET timezone = 'UTC';\nSET datestyle = 'ISO, YMD';\n")
    for table in as_used(read(folder), seed):
        if table.tool in OWN or table.tool in SEGMENT:
            relations = [(table.name if table.tool != "segment" else plural("segment", table.name), table)]
        else:
            relations = list(lay_out(table, seed))
        for place, relation in enumerate(relations):
            schema = names.schema(table)
            if len(relation) == 3:
                raw_schema, name, laid = relation
                name, schema = name.format(schema=schema), raw_schema
            else:
                name, laid = relation
                name = names.table(table, name)
            schema, name = names.relation(schema, name)
            if schema not in schemas:
                schemas.add(schema)
                out.write(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)};\n")
            columns = [c for c in laid.columns
                       if not is_sparse or c.lower() == "id" or laid.size == 0 or any(v is not None for v in laid.columns[c])]
            types = [type_of(laid, c) if is_typed or c in laid.types else "text" for c in columns]
            where = f"{quoted(schema)}.{quoted(name)}"
            out.write(f"CREATE TABLE {where} ({', '.join(f'{quoted(c)} {t}' for c, t in zip(columns, types))});\n")
            out.write(f"COPY {where} FROM stdin;\n")
            for i in range(laid.size):
                out.write("\t".join(copy_text(laid.columns[c][i]) for c in columns) + "\n")
            out.write("\\.\n")
            # What is laid out twice: Airbyte's raw tables beside typed ones, and Intercom's leads.
            manifest.append((where, laid.origin, "" if place == 0 else "raw" if len(relation) == 3 else "leads"))
    with open(manifest_path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(manifest)


if __name__ == "__main__":
    main()
