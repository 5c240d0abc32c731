"""What doc/guards.md says, done slowly and obviously: the oracle of test/suites/43_guards_oracle.sh.

Sets and loops only. Every cluster is a plain set, whatever it holds is gathered anew each time, and
nothing is shared with the extension but the page that both are written from; the comments quote it.

  guards.py generate SEED COUNT     SQL for psql -At -F TAB: COUNT random problems
  guards.py compare  SEED COUNT     reads psql's output and compares it with what the page says
"""

import random
import re
import sys
from collections import Counter, defaultdict
from itertools import combinations

SOURCES = ["aa", "bb", "cc"]
KINDS = ["user_id", "email", "phone_like", "loose"]
ALWAYS = {"user_id": 100, "email": 60, "phone_like": 40, "loose": 40}


class Rule:
    def __init__(self):
        self.link, self.fallback, self.on_tie = True, False, "apart"
        self.max_records, self.max_per_identity, self.priority = 0, 0, 0
        self.blocked, self.pattern, self.ipattern = set(), None, None
        self.block_placeholders, self.block_roles = True, False
        self.role_max_records = 1


class Problem:
    """sources: in order; rows: (source, id, updated_at or None, [(kind, typed value)])."""

    def __init__(self, rules, rows):
        self.rules, self.rows = rules, rows


# ---- random problems ----


def random_problem(rng):
    rules = {}
    for kind in KINDS:
        rule = Rule()
        rule.priority = rng.choice([ALWAYS[kind], ALWAYS[kind], 50])
        rule.link = kind == "user_id" or rng.random() < 0.85
        rule.fallback = kind != "user_id" and rng.random() < 0.2
        rule.on_tie = "data" if rng.random() < 0.2 else "apart"
        if kind == "user_id" and rng.random() < 0.8:
            rule.max_per_identity = 1
        elif rng.random() < 0.25:
            rule.max_per_identity = rng.choice([1, 2, 3])
        if rng.random() < 0.25:
            rule.max_records = rng.choice([1, 2, 3])
        if rng.random() < 0.15:
            rule.blocked = {value(kind, 0)}
        if rng.random() < 0.1:
            rule.pattern = rng.choice(["^[pul][0-9]*[02](@|$)", "2", "^.$", "P3|^u0$"])
        if rng.random() < 0.1:
            rule.ipattern = rng.choice(["^P[12]", "[LU]3$", "INFO"])
        rule.block_placeholders = rng.random() < 0.85
        rule.block_roles = kind == "email" and rng.random() < 0.15
        rule.role_max_records = rng.choice([0, 0, 1, 1, 2])
        rules[kind] = rule
    pool = {kind: rng.randint(1, 4) for kind in KINDS}
    # Every other problem is of people with an account each and records between them.
    often = {kind: [0, 0, 1] for kind in KINDS}
    often["email"] = [0, 0, 1, 1, 1, 2]
    if rng.random() < 0.5:
        pool.update(user_id=4, email=rng.randint(2, 4))
        often.update(user_id=[0, 1], email=[1, 1, 2, 2], phone_like=[0], loose=[0, 0, 0, 1])
    count, ids = rng.randint(2, 12), 11
    # Some are of two people who claim one value on many records.
    if rng.random() < 0.15:
        count, ids = rng.randint(6, 16), 30
        pool.update(user_id=2, email=1)
        often.update(user_id=[1], email=[1], phone_like=[0, 0, 0, 1], loose=[0])
    rows = []
    for _ in range(count):
        carried = []
        for kind in KINDS:
            for _ in range(rng.choice(often[kind])):
                carried.append((kind, typed(rng, kind, rng.randrange(pool[kind]))))
        updated_at = rng.choice([None, None, 1, 2, 3])
        rows.append((rng.choice(SOURCES), str(rng.randint(1, ids)), updated_at, carried))
    # Few are of two people whose claims on one value tie, and of others with weaker claims on it; or
    # of records between people, which weaker kinds tie to further ones.
    shape = rng.random()
    if shape < 0.16:
        rules["user_id"].max_per_identity = rules["phone_like"].max_per_identity = 1
        rules["email"] = Rule()
        rules["email"].priority = 60
        rows = tied_rows(rng) if shape < 0.08 else between_rows(rng)
    return Problem(rules, rows)


def between_rows(rng):
    rows = []
    people = rng.randint(2, 4)
    for user in range(people):
        held = [("user_id", value("user_id", user)), ("email", value("email", user))]
        rows.append((rng.choice(SOURCES), str(len(rows) + 1), None, held))
    for _ in range(rng.randint(1, 5)):
        held = [("email", value("email", rng.randrange(people))) for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.5:
            held.append(("loose", value("loose", rng.randint(0, 2))))
        rows.append((rng.choice(SOURCES), str(len(rows) + 1), None, held))
    return rows


def tied_rows(rng):
    carried = []
    sources = [rng.choice(SOURCES) for _ in range(rng.randint(2, 3))]
    for user in range(2):
        carried += [(source, [("user_id", value("user_id", user))]) for source in sources]
    for _ in range(rng.randint(1, 4)):
        kind = rng.choice(["user_id", "phone_like", "phone_like", "loose"])
        carried.append((rng.choice(SOURCES), [(kind, value(kind, rng.randint(2, 3)))]))
    return [
        (source, str(number), None, held + [("email", value("email", 0))])
        for number, (source, held) in enumerate(carried, 1)
    ]


def value(kind, number):
    if kind == "email":
        return ("info@x%d.com" if number == 1 else "p%d@x.com") % number
    return f"{kind[0]}{number}"


def typed(rng, kind, number):
    if rng.random() < 0.04:
        return "null" if kind != "email" else "test@test.com"
    if kind == "email" and rng.random() < 0.06:
        return "no address"
    plain = value(kind, number)
    return plain.upper() if kind == "email" and rng.random() < 0.3 else plain


# ---- the page, "How it is decided" ----


def spelled(kind, text):
    return text.lower() if kind == "email" else text


def is_role(kind, text):
    return kind == "email" and text.split("@")[0] in ("info", "test")


def standing(problem, kind, text, count):
    """1. A value that is none of its kind is invalid; one that a rule forbids is blocked."""
    rule, normal = problem.rules[kind], spelled(kind, text)
    if kind == "email" and "@" not in text:
        return "invalid"
    placeholder = text in ("null", "test@test.com")
    forbidden = {
        "placeholders": placeholder and rule.block_placeholders,
        "values": normal in rule.blocked,
        "patterns": rule.pattern and re.search(rule.pattern, normal),
        "patterns in any case": rule.ipattern and re.search(rule.ipattern, normal, re.IGNORECASE),
        "roles": is_role(kind, normal) and rule.block_roles,
    }
    for by, holds in forbidden.items():
        count["blocked " + by] += bool(holds)
    count["placeholders let through"] += placeholder and not any(forbidden.values())
    return "blocked" if any(forbidden.values()) else "valid"


class Oracle:
    def __init__(self, problem):
        self.problem = problem
        self.count = Counter()  # what occurred
        self.records = sorted({(row[0], row[1]) for row in problem.rows}, key=self.record_order)
        # A record carries an identifier when one of its rows has it.
        self.carries = defaultdict(dict)  # record -> (kind, value) -> standing
        for source, id_, _, carried in problem.rows:
            for kind, text in carried:
                self.carries[source, id_][kind, spelled(kind, text)] = standing(
                    problem, kind, text, self.count
                )
        self.updated_at = {}
        for source, id_, updated_at, _ in problem.rows:
            known = self.updated_at.get((source, id_))
            if known is None or (updated_at is not None and updated_at > known):
                self.updated_at[source, id_] = updated_at
        self.carriers = defaultdict(set)  # (kind, value) -> records, whatever the standing
        for record, carried in self.carries.items():
            for identifier in carried:
                self.carriers[identifier].add(record)
        self.status = {}  # (record, identifier) -> status
        self.decide()

    @staticmethod
    def record_order(record):
        return SOURCES.index(record[0]), len(record[1]), record[1]

    def valid(self, identifier):
        return all(
            self.carries[record][identifier] == "valid" for record in self.carriers[identifier]
        )

    def decide(self):
        rules = self.problem.rules
        # 2. more than max_records distinct records of any one source carry it
        self.too_common = set()
        for identifier, records in self.carriers.items():
            rule = rules[identifier[0]]
            if not rule.link or not self.valid(identifier) or rule.max_records == 0:
                continue
            by_source = Counter(record[0] for record in records)
            if max(by_source.values()) > rule.max_records:
                self.too_common.add(identifier)
        linking = [
            identifier
            for identifier in self.carriers
            if rules[identifier[0]].link
            and self.valid(identifier)
            and identifier not in self.too_common
        ]
        # 3. each group counts as an identifier of its own
        late = [i for i in linking if is_role(*i) and rules[i[0]].role_max_records]
        others = [i for i in linking if i not in late]
        self.groups = []  # (identifier, records)
        for identifier in others:
            for records in self.split(identifier, others):
                self.groups.append((identifier, frozenset(records)))
        # a role address that one source has on more records that nothing else unites
        united = self.united([records for _, records in self.groups])
        for identifier in late:
            by_source = defaultdict(set)
            for number, records in enumerate(united):
                for record in records & self.carriers[identifier]:
                    by_source[record[0]].add(number)
            if max(map(len, by_source.values())) > rules[identifier[0]].role_max_records:
                self.count["roles shared"] += 1
                self.too_common.add(identifier)
                continue
            self.count["roles that link"] += 1
            for records in self.split(identifier, others):
                self.groups.append((identifier, frozenset(records)))
        # 4. records that share an identifier are united, transitively
        self.identities = self.united([records for _, records in self.groups])
        # 5. a component that breaks a limit is taken apart and built again
        accepted = {group: set(group[1]) for group in self.groups}
        refused = {}  # (record, group) -> status
        result = []
        for component in self.identities:
            if self.breaks(component):
                self.count["components rebuilt"] += 1
                result += Rebuilt(self, component, accepted, refused).identities
            else:
                result.append(component)
        self.identities = result
        self.say(accepted, refused)

    def split(self, identifier, linking):
        rule = self.problem.rules[identifier[0]]
        records = self.carriers[identifier]
        if not rule.fallback:
            return [records]

        def linked_to(record, source):
            """It carries a value of a kind of greater priority (not too common, linking) which
            another record, in that source, carries too."""
            return any(
                self.problem.rules[other[0]].priority > rule.priority
                and any(r != record and r[0] == source for r in self.carriers[other])
                for other in linking
                if record in self.carriers[other]
            )

        pairs = [
            {a, b}
            for a, b in combinations(records, 2)
            if not linked_to(a, b[0]) and not linked_to(b, a[0])
        ]
        parts = self.united(pairs, records)
        if len(parts) > 1:
            self.count["fallback values split"] += 1
        return parts

    def united(self, sets, among=None):
        """The components of `among`, all records if not given, joined by the sets."""
        parts = [{record} for record in (self.records if among is None else among)]
        for joined in sets:
            met = [part for part in parts if part & set(joined)]
            parts = [part for part in parts if not part & set(joined)]
            parts.append(set().union(*met))
        return parts

    def held(self, records):
        """The values which it carries and which are neither invalid, blocked nor too common."""
        values = defaultdict(set)
        for record in records:
            for identifier, how in self.carries[record].items():
                if how == "valid" and identifier not in self.too_common:
                    values[identifier[0]].add(identifier[1])
        return values

    def breaks(self, records):
        for kind, values in self.held(records).items():
            most = self.problem.rules[kind].max_per_identity
            if most and len(values) > most:
                return True
        return False

    def say(self, accepted, refused):
        """What the evidence says."""
        for record, carried in self.carries.items():
            for identifier, how in carried.items():
                if how != "valid":
                    status = how
                elif not self.problem.rules[identifier[0]].link:
                    status = "not_linking"
                elif identifier in self.too_common:
                    status = "too_common"
                else:
                    status = self.link_status(record, identifier, accepted, refused)
                self.status[record, identifier] = status
                self.count[status] += 1

    def link_status(self, record, identifier, accepted, refused):
        group = next(g for g in self.groups if g[0] == identifier and record in g[1])
        if len(group[1]) == 1:
            return "alone" if len(self.carriers[identifier]) == 1 else "not_linking"
        if (record, group) in refused:
            return refused[record, group]
        if len(accepted[group]) > 1:
            return "links"
        others = {refused[other, group] for other in group[1] if (other, group) in refused}
        return "conflict" if "conflict" in others else "ambiguous"


class Rebuilt:
    """A component that breaks a limit. Clusters are sets of ("record", r) and ("group", g)."""

    def __init__(self, oracle, component, accepted, refused):
        self.oracle, self.accepted, self.refused = oracle, accepted, refused
        self.rules = oracle.problem.rules
        # A record that breaks a limit all by itself joins nobody.
        self.overfull = {record for record in component if oracle.breaks({record})}
        groups = [group for group in oracle.groups if group[1] <= component and len(group[1]) > 1]
        self.clusters = [{("record", r)} for r in component] + [{("group", g)} for g in groups]
        self.disputed = []  # clusters' members: a cluster with one of them is disputed
        self.dead = set()
        for group in groups:
            for record in group[1] & self.overfull:
                self.refuse(record, group, "conflict")
        oracle.count["overfull records"] += len(self.overfull)
        # Stages: role addresses after all others; by priority; then on_tie => 'data'.
        stages = defaultdict(list)
        for group in groups:
            kind, text = group[0]
            role = is_role(kind, text)
            rule = self.rules[kind]
            stages[role, -rule.priority, rule.on_tie == "data"].append(group)
        for stage in sorted(stages):
            self.run_stage(stages[stage], stage[2])
        self.identities = []
        for cluster in self.clusters:
            records = self.records_of(cluster)
            if records:
                self.identities.append(records)

    # -- clusters --

    def records_of(self, cluster):
        return {name for sort, name in cluster if sort == "record"}

    def cluster_of(self, sort, name):
        return next(c for c in self.clusters if (sort, name) in c)

    def is_disputed(self, cluster):
        return any(mark in cluster for mark in self.disputed)

    def is_bound(self, cluster):
        """One of its records holds a value of a limited kind, or it is disputed."""
        held = self.oracle.held(self.records_of(cluster))
        limited = any(values and self.rules[k].max_per_identity for k, values in held.items())
        return limited or self.is_disputed(cluster)

    def can_unite(self, clusters):
        """Unless the union breaks a limit, or one is disputed and another is bound."""
        different = []
        for cluster in clusters:
            if cluster not in different:
                different.append(cluster)
        bound = [c for c in different if self.is_bound(c)]
        if len(bound) > 1 and any(self.is_disputed(c) for c in bound):
            return False
        return len(bound) < 2 or not self.oracle.breaks(
            set().union(*(self.records_of(c) for c in different))
        )

    def unite(self, clusters):
        whole = set().union(*clusters)
        self.clusters = [c for c in self.clusters if not c & whole] + [whole]

    def refuse(self, record, group, status):
        self.refused[record, group] = status
        self.accepted[group].discard(record)

    # -- claims --

    def run_stage(self, groups, by_data):
        claims = []  # (strength, first record, carriers, records, group)
        for cluster in list(self.clusters):
            for group in groups:
                records = (self.records_of(cluster) & group[1]) - self.overfull
                if not records:
                    continue
                strength = (len({r[0] for r in records}), len(records))
                claims.append([strength, cluster, group, records])
        # A free cluster's claim is as strong as the strongest claim on that identifier.
        strongest = {g: max(c[0] for c in claims if c[2] == g) for g in {c[2] for c in claims}}
        for claim in claims:
            if not self.is_bound(claim[1]):
                claim[0] = strongest[claim[2]]
        for strength in sorted({claim[0] for claim in claims}, reverse=True):
            level = [claim for claim in claims if claim[0] == strength]
            if by_data:
                self.decide_in_order(level)
            else:
                self.decide_together(level)

    def now(self, claim):
        """The claimant's and the identifier's cluster as they are now."""
        record = next(iter(claim[3]))
        return self.cluster_of("record", record), self.cluster_of("group", claim[2])

    def answer(self, claim, status):
        for record in claim[3]:
            self.refuse(record, claim[2], status)

    def why(self, clusters):
        return "ambiguous" if any(self.is_disputed(c) for c in clusters) else "conflict"

    def survivorship(self, record):
        updated_at = self.oracle.updated_at[record]
        newest_first = -updated_at if updated_at is not None else 1
        return SOURCES.index(record[0]), newest_first, len(record[1]), record[1]

    def decide_in_order(self, level):
        def place(claim):
            records = self.records_of(claim[1])
            carriers = sorted(self.survivorship(r) for r in claim[2][1])
            return min(self.survivorship(r) for r in records), carriers

        for claim in sorted(level, key=place):
            cluster, claimed = self.now(claim)
            if cluster is claimed:
                continue
            if self.can_unite([cluster, claimed]):
                self.unite([cluster, claimed])
            else:
                self.answer(claim, self.why([cluster, claimed]))

    def decide_together(self, level):
        remaining = []
        for claim in level:
            cluster, claimed = self.now(claim)
            if claim[2] in self.dead:  # 1
                self.answer(claim, "ambiguous")
            elif cluster is claimed:
                pass
            elif self.is_bound(claimed) and not self.can_unite([cluster, claimed]):  # 2
                self.answer(claim, self.why([cluster, claimed]))
            else:
                remaining.append(claim)
        for group in {claim[2] for claim in remaining}:  # 3
            claims = [claim for claim in remaining if claim[2] == group]
            if self.is_bound(self.cluster_of("group", group)):
                continue
            bound = [self.now(c)[0] for c in claims if self.is_bound(self.now(c)[0])]
            if bound and not self.can_unite(bound):
                self.dead.add(group)
                self.oracle.count["identifiers dead"] += 1
                for claim in claims:
                    self.answer(claim, "ambiguous")
                    remaining.remove(claim)
        for claim in remaining:  # 4
            cluster, claimed = self.now(claim)
            if not self.is_bound(cluster) and not self.is_bound(claimed):
                self.unite([cluster, claimed])
        regions = []  # (free cluster or None, neighbours, claims)
        for claim in remaining:
            cluster, claimed = self.now(claim)
            if cluster is claimed:
                continue
            if self.is_bound(cluster) and self.is_bound(claimed):
                regions.append([None, [cluster, claimed], [claim]])
                continue
            free, bound = (claimed, cluster) if self.is_bound(cluster) else (cluster, claimed)
            region = next((r for r in regions if r[0] is free), None)
            if region is None:
                region = [free, [], []]
                regions.append(region)
            if not any(n is bound for n in region[1]):
                region[1].append(bound)
            region[2].append(claim)
        disputed = [r for r in regions if not self.can_unite(r[1])]  # 5
        self.oracle.count["regions disputed"] += len(disputed)
        regions = [r for r in regions if not any(r is d for d in disputed)]
        several = [r for r in regions if len(r[1]) > 1]  # 6
        groups = []  # of neighbours
        for region in several:
            met = [g for g in groups if any(n is m for n in region[1] for m in g)]
            groups = [g for g in groups if not any(g is m for m in met)]
            merged = [n for g in met for n in g]
            merged += [n for n in region[1] if not any(n is m for m in merged)]
            groups.append(merged)
        broken = [g for g in groups if not self.can_unite(g)]
        for region in several:
            if any(n is region[1][0] for g in broken for n in g):
                self.oracle.count["groups broken"] += 1
                disputed.append(region)
        for region in regions:  # 7
            if not any(region is d for d in disputed):
                members = ([region[0]] if region[0] else []) + region[1]
                self.unite([c for c in self.clusters if any(c & m for m in members)])
        for free, _, claims in disputed:
            for claim in claims:
                self.answer(claim, "ambiguous")
            if free is not None:
                self.disputed.append(next(iter(free)))


# ---- SQL ----


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def quoted_or_null(text):
    return "NULL" if text is None else quoted(text)


def clauses_of(problem, rng):
    rows = list(problem.rows)
    rng.shuffle(rows)
    clauses = []
    for source in SOURCES:
        lines = []
        for from_, id_, updated_at, carried in rows:
            if from_ != source:
                continue
            columns = [quoted(id_), str(updated_at) if updated_at else "NULL"]
            for kind in KINDS:
                values = [text for k, text in carried if k == kind]
                columns.append(
                    "ARRAY[" + ", ".join(map(quoted, values)) + "]" if values else "NULL"
                )
            lines.append("(" + ", ".join(columns) + ")")
        types = "NULL::text, NULL::int" + ", NULL::text[]" * len(KINDS)
        query = (
            f"SELECT id, timestamptz '2026-01-01' + updated_at * interval '1 day' AS updated_at, "
            f"{', '.join(KINDS)} FROM (VALUES ({types})"
            + "".join(", " + line for line in lines)
            + f") AS v (id, updated_at, {', '.join(KINDS)}) WHERE id IS NOT NULL"
        )
        clauses.append(f"identity_source({quoted(source)}, {quoted(query)})")
    kinds = list(KINDS)
    rng.shuffle(kinds)
    for kind in kinds:
        rule = problem.rules[kind]
        blocked = "NULL"
        if rule.blocked:
            blocked = "ARRAY[" + ", ".join(map(quoted, sorted(rule.blocked))) + "]"
        normalizer = "" if kind == "email" else ", normalizer => 'exact'"
        clauses.append(
            f"identity_rule('{kind}'{normalizer}, link => {rule.link}, blocked => {blocked}, "
            f"max_records => {rule.max_records}, max_per_identity => {rule.max_per_identity}, "
            f"priority => {rule.priority}, fallback => {rule.fallback}, on_tie => '{rule.on_tie}', "
            f"blocked_pattern => {quoted_or_null(rule.pattern)}, "
            f"blocked_ipattern => {quoted_or_null(rule.ipattern)}, "
            f"block_placeholders => {rule.block_placeholders}"
            + (
                f", block_roles => {rule.block_roles}, role_max_records => {rule.role_max_records})"
                if kind == "email"
                else ")"
            )
        )
    return ", ".join(clauses)


def problems(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        yield random_problem(rng)


def generate(seed, count):
    rng = random.Random(seed + 1)
    print("SET client_min_messages = error;")
    for number, problem in enumerate(problems(seed, count)):
        for again in range(2):  # the rows and rules in another order
            clauses = clauses_of(problem, rng)
            print(
                f"SELECT 'R', {number}, {again}, identity_id, source, record_id, '', '', '', '' "
                f"FROM identity_records({clauses}) UNION ALL "
                f"SELECT 'L', {number}, {again}, identity_id, source, record_id, kind, value, "
                f"status, linked_records::text FROM identity_links({clauses});"
            )


def compare(seed, count):
    found = defaultdict(lambda: (defaultdict(set), {}))
    for line in sys.stdin:
        what, number, again, identity, source, id_, kind, text, status, others = line.rstrip(
            "\n"
        ).split("\t")
        identities, links = found[int(number), int(again)]
        if what == "R":
            identities[identity].add((source, id_))
        else:
            links[(source, id_), (kind, spelled(kind, text))] = (status, int(others))
    occurred, wrong = Counter(), 0
    for number, problem in enumerate(problems(seed, count)):
        oracle = Oracle(problem)
        occurred += oracle.count
        identities = {frozenset(records) for records in oracle.identities}
        links = {
            (record, identifier): (status, len(oracle.carriers[identifier]) - 1)
            for (record, identifier), status in oracle.status.items()
        }
        for again in range(2):
            found_identities, found_links = found[number, again]
            same = {frozenset(r) for r in found_identities.values()} == identities
            if same and found_links == links:
                continue
            wrong += 1
            if wrong <= 5:
                print(f"graph {number}: the oracle says\n  {sorted(map(sorted, identities))}")
                print(f"the extension\n  {sorted(map(sorted, found_identities.values()))}")
                for key in sorted(set(links) | set(found_links)):
                    if links.get(key) != found_links.get(key):
                        print(f"  {key}: oracle {links.get(key)}, found {found_links.get(key)}")
                for row in problem.rows:
                    print("   ", row)
                for kind, rule in problem.rules.items():
                    print("   ", kind, vars(rule))
    for what, times in sorted(occurred.items()):
        print(f"  {what}: {times}")
    missing = [
        what
        for what in (
            "links alone invalid blocked too_common conflict ambiguous not_linking".split()
            + ["components rebuilt", "overfull records", "fallback values split"]
            + ["identifiers dead", "regions disputed", "groups broken", "placeholders let through"]
            + [f"blocked {by}" for by in "placeholders values patterns roles".split()]
            + ["blocked patterns in any case"]
        )
        if occurred[what] == 0
    ]
    if missing:
        print("never occurred: " + ", ".join(missing))
    print(f"guards oracle: {count} graphs, each in two orders, {wrong} differences")
    failed = (wrong > 0) + bool(missing)
    print(f"{2 - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    command, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sys.exit(generate(seed, count) if command == "generate" else compare(seed, count))
