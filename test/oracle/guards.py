"""What doc/guards.md says, done slowly and obviously: the oracle of test/suites/43_guards_oracle.sh.

Sets and loops only. Every cluster is a plain set, whatever it holds is gathered anew each time, and
nothing is shared with the extension but the page that both are written from; the comments quote it.

  guards.py stories                 problems made by hand, with the people and statuses that the page promises
  guards.py laws     SEED COUNT     whether "What always holds" holds for its own answers to COUNT random problems
  guards.py generate SEED COUNT     SQL for psql -At -F TAB: COUNT random problems
  guards.py compare  SEED COUNT     reads psql's output and compares it with what the page says
  guards.py differs  SEED COUNT     the same, until the first difference
"""

import copy
import random
import re
import sys
from collections import Counter, defaultdict
from itertools import combinations

SOURCES = ["aa", "bb", "cc"]
KINDS = ["user_id", "email", "phone_like", "loose", "born", "tenant"]
ALWAYS = {"user_id": 100, "email": 60, "phone_like": 40, "loose": 40, "born": 40, "tenant": 40}
APART = ["born", "tenant"]  # kinds that mostly keep people apart and do not link


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


def random_rule(rng, kind):
    rule = Rule()
    rule.priority = rng.choice([ALWAYS[kind], ALWAYS[kind], ALWAYS[kind], 50, 150])
    rule.link = kind == "user_id" or rng.random() < (0.15 if kind in APART else 0.85)
    rule.fallback = kind != "user_id" and rng.random() < 0.2
    rule.on_tie = "data" if rng.random() < 0.2 else "apart"
    if kind == "user_id" and rng.random() < 0.8 or kind in APART and rng.random() < 0.6:
        rule.max_per_identity = 1
    elif rng.random() < 0.3:
        rule.max_per_identity = rng.choice([1, 1, 2, 3])
    if rng.random() < (0.05 if kind in APART else 0.25):
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
    return rule


def random_problem(rng):
    rules = {kind: random_rule(rng, kind) for kind in KINDS}
    pool = {kind: rng.randint(1, 4) for kind in KINDS}
    # Every other problem is of people with an account each and records between them.
    often = {kind: [0, 0, 1] for kind in KINDS}
    often["email"] = [0, 0, 1, 1, 1, 2]
    for kind in APART:
        often[kind] = rng.choice([[0], [0, 0, 1], [0, 1], [0, 1, 1, 1, 2]])
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
    # Some are shaped: two people whose claims on one value tie, and others with weaker claims on it; records between
    # people, which weaker kinds tie to further ones; people who agree in what keeps apart; people whom a kind
    # stronger than user_id joins beyond a limit; claimants who may be one until a stronger claim joins one of them.
    shape = rng.random()
    if shape < 0.16:
        rules["user_id"].max_per_identity = rules["phone_like"].max_per_identity = 1
        rules["phone_like"].link = rng.random() < 0.5
        rules["email"] = Rule()
        rules["email"].priority = 60
        if rng.random() < 0.5:
            rules["loose"] = Rule()
            rules["loose"].priority, rules["loose"].max_per_identity = 10, 1
        rows = tied_rows(rng) if shape < 0.06 else between_rows(rng)
    elif shape < 0.32:
        rules["email"] = Rule()
        rules["email"].priority = 60
        rules["email"].on_tie = rng.choice(["apart", "data"])
        for kind in APART:
            rules[kind] = Rule()
            rules[kind].link, rules[kind].priority = False, 40
            rules[kind].max_per_identity = rng.choice([1, 1, 1, 2])
        rows = rng.choice([agreeing_rows, mailbox_rows])(rng)
    elif shape < 0.5:
        rules["phone_like"] = Rule()
        rules["phone_like"].priority = 150
        if rng.random() < 0.7:
            rules["user_id"], rules["email"] = Rule(), Rule()
            rules["email"].priority = 60
        rules["user_id"].max_per_identity = 1
        rules["user_id"].priority = 100
        rows = rng.choice([surplus_rows, bridging_rows, bridging_rows])(rng)
    elif shape < 0.58:
        for kind, priority in (("user_id", 100), ("phone_like", 150), ("email", 60), ("born", 1)):
            rules[kind] = Rule()
            rules[kind].priority = priority
        rules["user_id"].max_per_identity = rules["born"].max_per_identity = 1
        rules["born"].link = False
        rows = meeting_rows(rng)
    return Problem(rules, rows)


def agreeing_rows(rng):
    """Records that hold one of few births or tenants, or neither, and share few addresses."""
    people, rows = rng.randint(2, 3), []
    lives_in = [rng.choice([SOURCES, SOURCES[:1], SOURCES[1:]]) for _ in range(people)]
    for number in range(rng.randint(3, 11)):
        person, held = rng.randrange(people), []
        if rng.random() < 0.75:
            held.append(("born", value("born", person)))
        if rng.random() < 0.4:
            held.append(("tenant", value("tenant", rng.randrange(2))))
        if rng.random() < 0.15:
            held.append(("born", value("born", rng.randrange(people))))
        held += [("email", value("email", rng.randrange(3))) for _ in range(rng.choice([1, 1, 2]))]
        if rng.random() < 0.3:
            held.append(("loose", value("loose", rng.randrange(3))))
        rows.append((rng.choice(lives_in[person]), str(number + 1), rng.choice([None, 1, 2]), held))
    return rows


def mailbox_rows(rng):
    """People with a mailbox in common, some in many sources and some often in one, and who writes from it."""
    rows = []

    def add(source, held):
        rows.append((source, str(rng.randint(1, 9)) + str(len(rows)), rng.choice([None, 1, 2]), held))

    mailbox = ("email", value("email", 0))
    alike = rng.random() < 0.5  # as often, and in as many sources
    for person in range(rng.randint(2, 3)):
        account, born = ("user_id", f"u{person}"), ("born", f"b{person}")
        for _ in range(rng.choice([1, 2, 2, 3, 4])):
            if not alike:
                add(rng.choice(SOURCES[person:] + SOURCES[-1:] * person), [account, born, mailbox])
        for source in rng.sample(SOURCES[1:], 2) if alike else []:
            add(source, [account, born, mailbox])
        if rng.random() < 0.5:
            add(rng.choice(SOURCES), [account, born])
    for _ in range(rng.randint(0, 3)):
        other = [("loose", value("loose", rng.randrange(2)))] if rng.random() < 0.3 else []
        add(rng.choice(SOURCES), [mailbox] + other)
    return rows


def surplus_rows(rng):
    """Records with an account or two, some of them joined by a telephone whatever their accounts."""
    rows = []
    for number in range(rng.randint(3, 10)):
        held = [("user_id", value("user_id", rng.randrange(3))) for _ in range(rng.choice([0, 1, 1, 2]))]
        if rng.random() < 0.5:
            held.append(("phone_like", value("phone_like", rng.randrange(2))))
        held += [("email", value("email", rng.choice([0, 2, 3]))) for _ in range(rng.choice([0, 1, 1, 2]))]
        if rng.random() < 0.3:
            held.append(("loose", value("loose", rng.randrange(2))))
        rows.append((rng.choice(SOURCES), str(number + 1), rng.choice([None, 1, 2]), held))
    return rows


def bridging_rows(rng):
    """Records with two accounts, each tied by a telephone to one that shares an address with all."""
    rows = []

    def add(held):
        rows.append((rng.choice(SOURCES), str(len(rows) + 1), None, held))

    users = [value("user_id", user) for user in range(3)]
    quiet = rng.random() < 0.4  # nobody but the records with two accounts and the last has one
    for number in range(1 if quiet else 2):
        phone = ("phone_like", value("phone_like", number))
        add([("user_id", user) for user in rng.choice([users[:2], users[:2], users])] + [phone])
        for _ in range(rng.choice([1, 1, 2])):
            account = [("user_id", user) for user in rng.choice([[], users[:1], users[1:2]])]
            account = [] if quiet else account
            add([phone, ("email", value("email", 0))] + account)
    for _ in range(rng.choice([0, 1, 1, 2])):
        account = [("user_id", user) for user in rng.choice([[], users[1:2], users[2:]])]
        add([("email", value("email", 0))] + account)
    return rows


def meeting_rows(rng):
    """Ann and somebody of no account claim one address; an address of more records joins the latter to Bob."""
    rows = []
    size = rng.choice([1, 2, 2])

    def add(source, *held):
        carried = [(kind, value(kind, number)) for kind, number in held]
        rows.append((SOURCES[source % 3], str(len(rows) + 1), None, carried))

    for source in range(size):
        add(source, ("user_id", 0), ("email", 0))
    for source in range(size + 1):
        shared = [("email", 0)] if source < size else []
        add(source, ("phone_like", 0), ("born", 0), ("email", 2), *shared)
    for source in range(size + rng.choice([0, 1, 1])):
        add(source, ("user_id", 1), ("email", 2))
    for _ in range(rng.randint(0, 3)):
        add(rng.randrange(3), ("email", 0), *rng.choice([[], [("born", 0)], [("born", 0)]]))
    return rows


def between_rows(rng):
    rows = []
    people = rng.randint(2, 4)
    for user in range(people):
        held = [("user_id", value("user_id", user)), ("email", value("email", user))]
        for _ in range(rng.choice([1, 1, 2, 3])):
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
    def __init__(self, problem, mix=lambda these: None):
        self.problem, self.mix = problem, mix  # mix: shuffles what has no order
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
        self.components = self.identities
        self.rebuilt, self.identities, self.said = [], [], {}
        for component in self.components:
            if self.breaks(component):
                self.count["components rebuilt"] += 1
                self.rebuilt.append(Rebuilt(self, component))
                self.identities += self.rebuilt[-1].identities
                self.said.update(self.rebuilt[-1].said)
            else:
                self.identities.append(component)
        self.say()

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

    def limits(self):
        return {k: r.max_per_identity for k, r in self.problem.rules.items() if r.max_per_identity}

    def breaks(self, records):
        """It holds more distinct values of a kind than that kind's limit."""
        held = self.held(records)
        return any(len(held[kind]) > most for kind, most in self.limits().items())

    def say(self):
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
                    status = self.link_status(record, identifier)
                self.status[record, identifier] = status
                self.count[status] += 1

    def link_status(self, record, identifier):
        group = next(g for g in self.groups if g[0] == identifier and record in g[1])
        if len(group[1]) == 1:
            return "alone" if len(self.carriers[identifier]) == 1 else "not_linking"
        return self.said.get((record, group), "links")


    # -- "What is shown" --

    def showing(self, record, identifier):
        """first, contested, last, or never."""
        status = self.status[record, identifier]
        if status in ("blocked", "too_common"):
            return "last"
        group = next((g for g in self.groups if g[0] == identifier and record in g[1]), None)
        for rebuilt in self.rebuilt:
            if (record, group) in rebuilt.showing:
                return rebuilt.showing[record, group]
        return "first"

    def shown_of(self, records, kind):
        """What an array column of the kind shows of an identity."""

        def newest_first(time):
            return -time if time else 1

        def place(record):
            changed = newest_first(self.updated_at[record])
            return SOURCES.index(record[0]), changed, len(record[1]), record[1]

        in_order = []
        for record in sorted(records, key=place):
            by_time = defaultdict(list)  # what each row has
            for source, id_, time, carried in self.problem.rows:
                if (source, id_) != record:
                    continue
                values = [
                    spelled(k, text)
                    for k, text in carried
                    if k == kind and self.status[record, (k, spelled(k, text))] != "invalid"
                ]
                values = [
                    (self.showing(record, (kind, text)), text)
                    for text in values
                    if self.showing(record, (kind, text)) != "never"
                ]
                if values:
                    by_time[newest_first(time)].append(values)
            for _, rows in sorted(by_time.items()):
                alike = all(row == rows[0] for row in rows)
                in_order += rows[0] if alike else sorted(sum(rows, []), key=lambda v: v[1])
        classes = ["first", "contested", "last"]
        if any(how == "first" for how, _ in in_order):
            if any(how == "contested" for how, _ in in_order):
                self.count["contested values not shown"] += 1
            classes.remove("contested")
        shown = [text for wanted in classes for how, text in in_order if how == wanted]
        if shown != [text for _, text in in_order if text in shown]:
            self.count["values in another order"] += 1
        return tuple(dict.fromkeys(shown))

    def shown(self):
        return {
            (frozenset(records), kind): self.shown_of(records, kind)
            for records in self.identities
            for kind in KINDS
            if self.shown_of(records, kind)
        }


class Claim:
    def __init__(self, cluster, records, on, strength):
        self.cluster = cluster  # as it was at the start of the stage
        self.records, self.on, self.strength = records, on, strength


def strength_of(records):
    return len({r[0] for r in records}), len(records)


class Rebuilt:
    """A component that breaks a limit. Clusters are sets of ("record", r) and ("copy", c); a copy is (group, n):
    n is 0 for the identifier itself."""

    def __init__(self, oracle, component):
        self.oracle, self.rules, self.component = oracle, oracle.problem.rules, component
        self.groups = [g for g in oracle.groups if g[1] <= component and len(g[1]) > 1]
        oracle.mix(self.groups)
        self.clusters = [{("record", r)} for r in component]
        self.clusters += [{("copy", (g, 0))} for g in self.groups]
        oracle.mix(self.clusters)
        self.disputed = []  # clusters' members: a cluster with one of them is disputed
        self.dead = set()
        self.claimed = {}  # (record, group) -> the copy, None: of several copies none
        self.held = defaultdict(set)  # copy -> the records whose claims held
        self.refused = {}  # (record, group) -> status
        self.equally_strongest = defaultdict(set)  # group -> copies
        self.after = []  # (stage, the clusters' records)
        oracle.count["overfull records"] += any(oracle.breaks({r}) for r in component)
        # Stages: role addresses after all others; by priority; then on_tie => 'data'.
        stages = defaultdict(list)
        for group in self.groups:
            kind, text = group[0]
            role = is_role(kind, text)
            rule = self.rules[kind]
            stages[role, -rule.priority, rule.on_tie == "data"].append(group)
        for stage in sorted(stages):
            self.run_stage(stage, stages[stage])
            self.after.append((stage, [self.records_of(c) for c in self.clusters]))
        self.identities = [self.records_of(c) for c in self.clusters if self.records_of(c)]
        self.really_held = {c: set(records) for c, records in self.held.items()}
        self.say()

    # -- clusters --

    def records_of(self, cluster):
        return {name for sort, name in cluster if sort == "record"}

    def cluster_of(self, sort, name):
        return next(c for c in self.clusters if (sort, name) in c)

    def is_disputed(self, cluster):
        return any(mark in cluster for mark in self.disputed)

    def counting(self):
        """The limits that count at this stage."""
        role, minus_priority, _ = self.stage
        limits = {}
        for kind, most in self.oracle.limits().items():
            strong = self.rules[kind].priority >= -minus_priority
            if role or not self.rules[kind].link or strong:
                limits[kind] = most
            else:
                self.oracle.count["limits that do not count"] += 1
        return limits

    def all_of(self, kind, cluster):
        return self.oracle.held(self.records_of(cluster))[kind]

    def sure_of(self, kind, cluster):
        """Those which its records that are not overfull in it hold."""
        most = self.rules[kind].max_per_identity
        sure = [r for r in self.records_of(cluster) if len(self.oracle.held({r})[kind]) <= most]
        return self.oracle.held(sure)[kind]

    def is_overfull(self, record):
        """At this stage: it alone holds more values of a kind than a limit that counts."""
        held = self.oracle.held({record})
        return any(len(held[kind]) > most for kind, most in self.counting().items())

    def is_bound(self, cluster):
        """One of its records holds a value of a limit that counts at this stage, or it is disputed."""
        held = any(self.all_of(kind, cluster) for kind in self.counting())
        return held or self.is_disputed(cluster)

    def broken(self, clusters):
        """The limits that count which these clusters would break together."""
        broken = []
        for kind, most in self.counting().items():
            by_all = self.too_many([self.all_of(kind, c) for c in clusters], most)
            by_sure = self.too_many([self.sure_of(kind, c) for c in clusters], most)
            self.oracle.count["unions that only the surplus of a record would allow"] += by_sure and not by_all
            if by_all or by_sure:
                broken.append(kind)
        return broken

    def too_many(self, sets, most):
        """More than the limit, and more than one of them held already."""
        union = set().union(*sets)
        if len(union) <= most:
            return False
        surplus = any(held == union for held in sets)
        self.oracle.count["unions with a surplus"] += surplus and len([s for s in sets if s]) > 1
        return not surplus

    def can_unite(self, clusters):
        different = []
        for cluster in clusters:
            if cluster not in different:
                different.append(cluster)
        bound = [c for c in different if self.is_bound(c)]
        if len(bound) > 1 and any(self.is_disputed(c) for c in bound):
            return False
        return not self.broken(different)

    def unite(self, clusters):
        whole = set().union(*clusters)
        self.clusters = [c for c in self.clusters if not c & whole] + [whole]

    # -- claims --

    def run_stage(self, stage, groups):
        self.stage = stage
        claims = []
        for group in groups:
            claims += self.claims_on(group)
        # A free cluster's claim is as strong as the strongest claim on that identifier.
        strongest = {c.on: max(d.strength for d in claims if d.on == c.on) for c in claims}
        for claim in claims:
            if not self.is_bound(claim.cluster):
                claim.strength = strongest[claim.on]
        self.oracle.mix(claims)
        for strength in sorted({claim.strength for claim in claims}, reverse=True):
            level = [claim for claim in claims if claim.strength == strength]
            if stage[2]:
                self.decide_in_order(level)
            else:
                self.decide_together(level)

    def claims_on(self, group):
        """Each cluster's claim on an identifier, or on the copy of it that its group gets."""
        overfull = {record for record in group[1] if self.is_overfull(record)}
        for record in group[1]:
            self.claimed[record, group] = (group, 0)
            if record in overfull:
                self.refused[record, group] = "conflict"
            else:
                self.held[group, 0].add(record)
                if self.oracle.breaks({record}):
                    self.oracle.count["overfull records that take part"] += 1
        claimants = []
        for cluster in self.clusters:
            records = (self.records_of(cluster) & group[1]) - overfull
            if records:
                claimants.append((cluster, records))
        plain = [Claim(c, records, (group, 0), strength_of(records)) for c, records in claimants]
        clusters = [cluster for cluster, _ in claimants]
        if self.can_unite(clusters):
            return plain
        keeping = self.broken(clusters)
        if not keeping:
            self.oracle.count["identifiers without copies for a dispute alone"] += 1
            return plain
        self.oracle.count["identifiers with copies"] += 1
        self.oracle.count["identifiers with several keeping limits"] += len(keeping) > 1
        # Who holds equal sets of values of all keeping limits is a group; who holds none follows.
        agreeing, followers = defaultdict(list), []
        for cluster, records in claimants:
            sets = [held(kind, cluster) for kind in keeping for held in (self.all_of, self.sure_of)]
            if any(sets):
                agreeing[tuple(map(frozenset, sets))].append((cluster, records))
            else:
                followers.append((cluster, records))
        copies, claims = [], []  # (strength, first record, copy)
        for number, members in enumerate(agreeing.values(), 1):
            strength = strength_of(set().union(*(records for _, records in members)))
            first = min(self.survivorship(r) for c, _ in members for r in self.records_of(c))
            copies.append((strength, first, (group, number)))
            self.clusters.append({("copy", (group, number))})
            for cluster, records in members:
                claims.append(self.claim_copy(cluster, records, (group, number), strength))
            self.oracle.count["groups of several who agree"] += len(members) > 1
        most = max(strength for strength, _, _ in copies)
        strongest = sorted(c for c in copies if c[0] == most)
        if len(strongest) > 1 and not self.stage[2]:
            self.equally_strongest[group] = {on for _, _, on in strongest}
        for cluster, records in followers:
            by_data = self.stage[2]
            if len(strongest) > 1 and not by_data:
                self.oracle.count["followers of nobody"] += 1
                for record in records:
                    self.refuse(record, group, "ambiguous")
                    self.claimed[record, group] = None
                continue
            self.oracle.count["followers by the data" if len(strongest) > 1 else "followers"] += 1
            on = strongest[0][2]
            claims.append(self.claim_copy(cluster, records, on, strength_of(records)))
        for record in overfull:
            self.claimed[record, group] = None
        return claims

    def claim_copy(self, cluster, records, on, strength):
        for record in records:
            self.claimed[record, on[0]] = on
            self.held[on[0], 0].discard(record)
            self.held[on].add(record)
        return Claim(cluster, records, on, strength)

    def now(self, claim):
        """The claimant's and the identifier's cluster as they are now."""
        record = next(iter(claim.records))
        return self.cluster_of("record", record), self.cluster_of("copy", claim.on)

    def refuse(self, record, group, status):
        self.refused[record, group] = status
        self.held[self.claimed[record, group]].discard(record)

    def answer(self, claim, status):
        for record in claim.records:
            self.refuse(record, claim.on[0], status)

    def why(self, clusters):
        return "ambiguous" if any(self.is_disputed(c) for c in clusters) else "conflict"

    def survivorship(self, record):
        updated_at = self.oracle.updated_at[record]
        newest_first = -updated_at if updated_at is not None else 1
        return SOURCES.index(record[0]), newest_first, len(record[1]), record[1]

    def decide_in_order(self, level):
        def place(claim):
            # An identifier's carriers; a copy's are those who claim it.
            group, number = claim.on
            carriers = [r for r in group[1] if number == 0 or self.claimed[r, group] == claim.on]
            first = min(self.survivorship(r) for r in self.records_of(claim.cluster))
            return first, sorted(self.survivorship(r) for r in carriers)

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
            if claim.on in self.dead:  # 1
                self.answer(claim, "ambiguous")
            elif cluster is claimed:
                pass
            elif self.is_bound(claimed) and not self.can_unite([cluster, claimed]):  # 2
                self.answer(claim, self.why([cluster, claimed]))
            else:
                remaining.append(claim)
        for on in {claim.on for claim in remaining}:  # 3
            claims = [claim for claim in remaining if claim.on == on]
            if self.is_bound(self.cluster_of("copy", on)):
                continue
            bound = [self.now(c)[0] for c in claims if self.is_bound(self.now(c)[0])]
            if bound and not self.can_unite(bound):
                self.dead.add(on)
                self.oracle.count["copies dead" if on[1] else "identifiers dead"] += 1
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

    # -- at the end --

    def say(self):
        self.said = {}  # (record, group) -> status
        self.showing = {}  # (record, group) -> class
        for group in self.groups:
            copies = {c for c in self.held if c[0] == group} | {(group, 0)}
            self.count_as_held(group, copies)
            for record in group[1]:
                on = next((c for c in copies if record in self.held[c]), None)
                if on is None:
                    status = self.refused[record, group]
                elif len(self.in_one_identity(record, copies)) > 1:
                    status = "links"
                elif len(copies) > 1:
                    status = "ambiguous" if on in self.equally_strongest[group] else "conflict"
                    self.oracle.count[status + " for another copy"] += 1
                else:
                    others = {self.refused[r, group] for r in group[1] if r != record}
                    status = "conflict" if "conflict" in others else "ambiguous"
                self.said[record, group] = status
                self.showing[record, group] = self.showing_of(on, status, copies)

    def showing_of(self, on, status, copies):
        if status == "links":
            return "first"
        if on is not None:
            return "contested" if len(copies) > 1 else "first"
        owners = {r for c in copies for r in self.held[c]}
        if all(self.is_disputed(self.cluster_of("record", r)) for r in owners):
            self.oracle.count["refused values that nobody has for sure"] += 1
            return "contested"
        self.oracle.count["refused values that somebody else has"] += 1
        return "never"

    def in_one_identity(self, record, copies):
        """Who holds one of the copies and is of the record's identity."""
        cluster = self.cluster_of("record", record)
        return {r for c in copies for r in self.held[c] if self.cluster_of("record", r) is cluster}

    def count_as_held(self, group, copies):
        """Refused claims whose two sides end in one cluster."""
        held = {c: set(self.held[c]) for c in copies}
        for record in group[1]:
            if any(record in held[c] for c in copies):
                continue
            for on in copies:
                if self.cluster_of("copy", on) is self.cluster_of("record", record):
                    self.oracle.count["refused and yet together"] += 1
                    self.held[on].add(record)
        for on in copies:
            claimants = [r for r in group[1] if self.claimed[r, group] == on]
            if len(claimants) < 2 or self.held[on]:
                continue
            if len({id(self.cluster_of("record", r)) for r in claimants}) == 1:
                self.oracle.count["all refused and yet together"] += 1
                self.held[on] |= set(claimants)


# ---- the page, "What always holds" ----


def counts_for(rules, limited, kind, text):
    """Whether the limit of the kind `limited` counts at the stage of an identifier."""
    strong = rules[limited].priority >= rules[kind].priority
    return is_role(kind, text) or not rules[limited].link or strong


def values_of(oracle, kind, records):
    return oracle.held(records)[kind]


def sure_values_of(oracle, kind, records):
    most = oracle.problem.rules[kind].max_per_identity
    return oracle.held([r for r in records if len(oracle.held({r})[kind]) <= most])[kind]


def limits_hold(oracle):
    """No identity breaks a limit by links of the limit's own strength or weaker."""
    rules = oracle.problem.rules
    for rebuilt in oracle.rebuilt:
        for identity in rebuilt.identities:
            for kind, most in oracle.limits().items():
                stronger = [
                    records
                    for (group, _), records in rebuilt.really_held.items()
                    if not counts_for(rules, kind, *group[0])
                ]
                parts = oracle.united([r & identity for r in stronger if r & identity], identity)
                for held in (values_of, sure_values_of):
                    values = held(oracle, kind, identity)
                    if len(values) > most and values not in [held(oracle, kind, p) for p in parts]:
                        return f"{sorted(identity)} break the limit of {kind} by weaker links"
                oracle.count["limits passed by stronger links"] += len(
                    values_of(oracle, kind, identity)
                ) > most and len(identity) > 1


def people_are_what_held_claims_join(oracle):
    """Records are one identity that claims which held connect, and no others."""
    for rebuilt in oracle.rebuilt:
        held = [records for records in rebuilt.really_held.values() if records]
        joined = oracle.united(held, rebuilt.component)
        if set(map(frozenset, joined)) != set(map(frozenset, rebuilt.identities)):
            return f"held claims join {joined}, the identities are {rebuilt.identities}"


def together_too_much(oracle, identifiers, identities):
    records = set().union(*identities)
    return any(
        len(values_of(oracle, kind, records)) > most
        and any(counts_for(oracle.problem.rules, kind, *identifier) for identifier in identifiers)
        for kind, most in oracle.limits().items()
    )


def refusals_have_a_reason(oracle):
    """The identities that carry a value in conflict, or what is ambiguous for each other, hold too much together."""
    for rebuilt in oracle.rebuilt:
        identity_of = {record: identity for identity in rebuilt.identities for record in identity}

        def carrying(group):
            return [identity_of[record] for record in group[1]]

        for (record, group), status in rebuilt.said.items():
            if status == "links":
                continue
            groups, before = {group}, 0
            while status == "ambiguous" and len(groups) > before:
                before = len(groups)
                here = set().union(*(records for g in groups for records in carrying(g)))
                groups |= {
                    g for (_, g), how in rebuilt.said.items() if how == "ambiguous" and g[1] & here
                }
            if not together_too_much(
                oracle, [g[0] for g in groups], [i for g in groups for i in carrying(g)]
            ):
                return f"{record} {group[0]} is in {status}, and nothing would be too much"


def links_are_links(oracle):
    """What links is carried by another record of the identity."""
    identity_of = {r: frozenset(i) for i in oracle.identities for r in i}
    for (record, identifier), status in oracle.status.items():
        others = identity_of[record] & oracle.carriers[identifier] - {record}
        if status == "links" and not others:
            return f"{record} {identifier} links nobody"


def order_is_nothing(oracle, rng):
    """The same in any order of records, identifiers and claims."""
    again = Oracle(oracle.problem, rng.shuffle)
    if set(map(frozenset, again.identities)) != set(map(frozenset, oracle.identities)):
        return f"in another order the identities are {again.identities}"
    if again.status != oracle.status:
        return "in another order a status is another one"


def what_breaks_no_limit_is_whole(oracle):
    """A component that breaks no limit would be the same if it were built again."""
    for component in oracle.components:
        if not oracle.breaks(component):
            rebuilt = Rebuilt(oracle, component)
            if rebuilt.identities != [component] or set(rebuilt.said.values()) - {"links"}:
                return f"{component} breaks no limit and is {rebuilt.identities}"


def without_limits(problem, kinds):
    """The same problem, the kinds' limits lifted."""
    other = copy.deepcopy(problem)
    for kind in kinds:
        other.rules[kind].max_per_identity = 0
    return other


def people_by_stronger(problem, kind):
    """The clusters after the stages above a kind's priority."""
    oracle, result = Oracle(problem), set()
    for component in oracle.components:
        parts = [{record} for record in component]
        for (role, minus_priority, _), clusters in Rebuilt(oracle, component).after:
            if not role and -minus_priority > problem.rules[kind].priority:
                parts = clusters
        result |= {frozenset(part) for part in parts if part}
    return result


def weak_limits_change_nothing_above(oracle):
    """A limit changes nothing at the stages above its priority."""
    problem = oracle.problem
    for kind in oracle.limits():
        if problem.rules[kind].link:
            with_it = people_by_stronger(problem, kind)
            if with_it != people_by_stronger(without_limits(problem, [kind]), kind):
                return f"the limit of {kind} changes who is one by stronger kinds"


def the_weakest_separates_nobody(oracle):
    """Its limit alone parts no records that share a value of a stronger kind."""
    rules = oracle.problem.rules
    weakest = min(r.priority for r in rules.values())
    for kind in oracle.limits():
        if rules[kind].priority > weakest or not rules[kind].link:
            continue
        alone = Oracle(without_limits(oracle.problem, [k for k in KINDS if k != kind]))
        for identifier, records in alone.groups:
            strong = rules[identifier[0]].priority > weakest and not is_role(*identifier)
            if strong and not any(records <= identity for identity in alone.identities):
                return f"the limit of {kind} alone parts {sorted(records)}, who share {identifier}"


def who_breaks_a_limit_that_never_links_is_alone(oracle):
    """A record that alone breaks the limit of a kind with link => false joins nobody."""
    for identity in oracle.identities:
        for record in identity:
            held = oracle.held({record})
            for kind, most in oracle.limits().items():
                if not oracle.problem.rules[kind].link and len(held[kind]) > most:
                    if len(identity) > 1:
                        return f"{record} holds too many of {kind} and is with {identity}"
                    oracle.count["records alone for what never links"] += 1


def no_limits_no_guards(oracle):
    """Without limits: plain components."""
    free = Oracle(without_limits(oracle.problem, KINDS))
    if set(map(frozenset, free.identities)) != set(map(frozenset, oracle.components)):
        return "without limits the identities are not the components"
    return what_breaks_no_limit_is_whole(free)


def laws(seed, count):
    rng, occurred, broken = random.Random(seed + 2), Counter(), Counter()
    always = [
        limits_hold,
        people_are_what_held_claims_join,
        refusals_have_a_reason,
        links_are_links,
        lambda oracle: order_is_nothing(oracle, rng),
        what_breaks_no_limit_is_whole,
        no_limits_no_guards,
        weak_limits_change_nothing_above,
        the_weakest_separates_nobody,
        who_breaks_a_limit_that_never_links_is_alone,
    ]
    for number, problem in enumerate(problems(seed, count)):
        oracle = Oracle(problem)
        for law in always:
            wrong = law(oracle)
            if wrong:
                broken[law] += 1
                if broken[law] == 1:
                    print(f"problem {number}: {wrong}")
                    tell(problem)
        occurred += oracle.count
    never = missing(
        occurred, ["limits passed by stronger links", "records alone for what never links"]
    )
    print(f"laws: {count} problems, {len(always)} laws, {sum(broken.values())} broken")
    failed = len(broken) + never
    print(f"{len(always) - len(broken) + 1 - never} passed, {failed} failed")
    return failed > 0


def missing(occurred, names):
    for name in names:
        if occurred[name] == 0:
            print(f"never occurred: {name}")
    return any(occurred[name] == 0 for name in names)


def tell(problem):
    for row in problem.rows:
        print("   ", row)
    for kind, rule in problem.rules.items():
        print("   ", kind, vars(rule))


# ---- stories ----


def story(name, rules, records, people, says=None):
    """Whether the oracle puts these records ({"a1": "email=x born=1960"}; the letter is the source) into these people
    ("a1 b1, c1") and says this of their kinds or values ({"a1 email": "links"})."""
    problem_rules = {kind: Rule() for kind in KINDS}
    for kind, rule in problem_rules.items():
        rule.priority = ALWAYS[kind]
    problem_rules["user_id"].max_per_identity = 1
    for kind, settings in rules.items():
        for setting, wanted in settings.items():
            assert hasattr(problem_rules[kind], setting)
            setattr(problem_rules[kind], setting, wanted)
    rows = []
    for record, values in records.items():
        carried = [tuple(text.split("=")) for text in values.split()]
        rows.append((record[0] * 2, record[1:], None, carried))
    oracle = Oracle(Problem(problem_rules, rows))
    found = sorted(sorted(s[0] + id_ for s, id_ in identity) for identity in oracle.identities)
    wanted = sorted(sorted(person.split()) for person in people.split(","))
    statuses = {
        f"{s[0]}{id_} {name}": status
        for ((s, id_), identifier), status in oracle.status.items()
        for name in identifier
    }
    said = {what: statuses[what] for what in says or {}}
    if found == wanted and said == (says or {}):
        print(f"ok: {name}")
        return True
    print(f"NOT OK: {name}: people {found}, statuses {statuses}")
    return False


def stories():
    one = {"max_per_identity": 1}
    apart = {"link": False, "max_per_identity": 1}
    told = [
        story(
            "six devices of one user, and a limit of five: one person",
            {"loose": {"max_per_identity": 5, "priority": 10}},
            {**{f"a{n}": f"user_id=u1 loose=l{n}" for n in range(1, 7)}, "b1": "loose=l6"},
            "a1 a2 a3 a4 a5 a6 b1",
            {"a1 user_id": "links", "a6 loose": "links", "b1 loose": "links", "a1 loose": "alone"},
        ),
        story(
            "who changed her address stays one person, and an address joins her still",
            {"email": one},
            {"a1": "user_id=u1 email=old@x", "b1": "user_id=u1 email=new@x", "c1": "email=old@x"},
            "a1 b1 c1",
            {"c1 email": "links"},
        ),
        story(
            "her addresses' limit holds against the weaker: a telephone joins no third one",
            {"email": one},
            {
                "a1": "user_id=u1 email=old@x phone_like=5",
                "b1": "user_id=u1 email=new@x",
                "c1": "email=other@x phone_like=5",
            },
            "a1 b1, c1",
            {"a1 phone_like": "ambiguous", "c1 phone_like": "ambiguous"},
        ),
        story(
            "two Sams, born in two years, in two tools: two people",
            {"born": apart},
            {
                "a1": "email=sam@x born=1960",
                "a2": "email=sam@x born=1991",
                "b1": "email=sam@x born=1960",
                "b2": "email=sam@x born=1991",
            },
            "a1 b1, a2 b2",
            {"a1 email": "links", "b2 email": "links"},
        ),
        story(
            "a ticket without a birth joins neither of two Sams with equal evidence",
            {"born": apart},
            {"a1": "email=s@x born=1960", "a2": "email=s@x born=1991", "c1": "email=s@x", "c2": "email=s@x"},
            "a1, a2, c1, c2",
            {"a1 email": "ambiguous", "a2 email": "ambiguous", "c1 email": "ambiguous"},
        ),
        story(
            "by the data it follows the first",
            {"born": apart, "email": {"on_tie": "data"}},
            {"a2": "email=s@x born=1991", "a1": "email=s@x born=1960", "c1": "email=s@x"},
            "a1 c1, a2",
            {"a1 email": "links", "a2 email": "conflict", "c1 email": "links"},
        ),
        story(
            "the family's mailbox goes to whom has more evidence, and the ticket with it",
            {},
            {
                "a1": "user_id=ann email=f@x",
                "b1": "user_id=ann email=f@x",
                "a2": "user_id=bob email=f@x",
                "c1": "email=f@x",
            },
            "a1 b1 c1, a2",
            {"a1 email": "links", "c1 email": "links", "a2 email": "conflict"},
        ),
        story(
            "of equal evidence neither has it",
            {},
            {"a1": "user_id=ann email=f@x", "a2": "user_id=bob email=f@x"},
            "a1, a2",
            {"a1 email": "ambiguous", "a2 email": "ambiguous"},
        ),
        story(
            "a record with two user ids joins nobody by them or by an address",
            {},
            {"a1": "user_id=u1 user_id=u2 email=e@x", "b1": "user_id=u1", "c1": "email=e@x user_id=u3"},
            "a1, b1, c1",
            {"a1 u1": "conflict", "a1 u2": "alone", "b1 u1": "conflict", "a1 email": "conflict", "c1 email": "conflict"},
        ),
        story(
            "a stronger kind joins it, and it is no bridge between its two users",
            {"loose": {"priority": 150}},
            {
                "a1": "user_id=u1 user_id=u2 loose=L",
                "b1": "user_id=u1 loose=L email=e@x",
                "c1": "user_id=u1 email=e@x",
                "c2": "user_id=u2 email=e@x",
            },
            "a1 b1 c1, c2",
            {"a1 loose": "links", "b1 user_id": "links", "c1 user_id": "links", "c2 email": "conflict"},
        ),
        story(
            "a priority above user_id's may put two user ids into one person, and both users' records join her",
            {"loose": {"priority": 150}},
            {
                "a1": "user_id=u1 loose=L",
                "b1": "user_id=u2 loose=L",
                "c1": "user_id=u1",
                "c2": "user_id=u2",
                "c3": "user_id=u3 phone_like=5",
                "b2": "user_id=u1 phone_like=5",
            },
            "a1 b1 c1 c2 b2, c3",
            {"c1 user_id": "links", "c2 user_id": "links", "c3 phone_like": "ambiguous"},
        ),
        story(
            "one address in two tenants stays two, and the tools' records join within each",
            {"tenant": apart},
            {
                "a1": "tenant=T1 email=e@x",
                "a2": "tenant=T2 email=e@x",
                "b1": "tenant=T1 email=e@x",
                "b2": "tenant=T2 email=e@x",
                "c2": "tenant=T2 email=e@x",
            },
            "a1 b1, a2 b2 c2",
            {"a1 email": "links", "c2 email": "links"},
        ),
        story(
            "who agrees in one keeping kind and not in the other is no group",
            {"tenant": apart, "born": apart},
            {
                "a1": "tenant=T1 born=1960 email=e@x",
                "b1": "tenant=T1 born=1960 email=e@x",
                "a2": "tenant=T1 born=1991 email=e@x",
                "b2": "tenant=T2 born=1991 email=e@x",
            },
            "a1 b1, a2, b2",
            {"a1 email": "links", "a2 email": "conflict"},
        ),
        story(
            "a link => false limit holds against every kind",
            {"born": {**apart, "priority": 1}},
            {"a1": "user_id=u1 born=1960", "b1": "user_id=u1 born=1991"},
            "a1, b1",
            {"a1 user_id": "ambiguous", "b1 user_id": "ambiguous"},
        ),
        story(
            "and every limit against role addresses",
            {"loose": {**one, "priority": 10}},
            {"a1": "loose=1 email=info@x", "b1": "loose=2 email=info@x"},
            "a1, b1",
            {"a1 email": "ambiguous"},
        ),
        story(
            "a refused claim whose two sides end in one identity links",
            {},
            {
                "a1": "user_id=u1 email=e@x",
                "b1": "user_id=u2 email=e@x",
                "c1": "email=e@x phone_like=5",
                "b2": "user_id=u1 phone_like=5",
            },
            "a1 b2 c1, b1",
            {"c1 phone_like": "links", "c1 email": "links", "a1 email": "links", "b1 email": "ambiguous"},
        ),
    ]
    print(f"{sum(told)} passed, {len(told) - sum(told)} failed")
    return not all(told)


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
                f"status, linked_records::text FROM identity_links({clauses}) UNION ALL "
                f"SELECT 'S', {number}, {again}, identity_id, '', '', kind, "
                f"array_to_string(them, ','), one, '' FROM resolve_identities({clauses}) AS "
                f"(identity_id uuid, {', '.join(f'{k} text, {k}s text[]' for k in KINDS)}), "
                f"LATERAL (VALUES {', '.join(f'({quoted(k)}, {k}, {k}s)' for k in KINDS)}) "
                f"AS v (kind, one, them) WHERE them IS NOT NULL;"
            )


def compare(seed, count, until=None):
    found = defaultdict(lambda: (defaultdict(set), {}, {}))
    for line in sys.stdin:
        what, number, again, identity, source, id_, kind, text, status, others = line.rstrip(
            "\n"
        ).split("\t")
        identities, links, shown = found[int(number), int(again)]
        if what == "R":
            identities[identity].add((source, id_))
        elif what == "S":
            # A scalar column shows the first value.
            shown[identity, kind] = tuple(text.split(",")), status
        else:
            links[(source, id_), (kind, spelled(kind, text))] = (status, int(others))
    occurred, wrong = Counter(), 0
    for number, problem in enumerate(problems(seed, count)):
        oracle = Oracle(problem)
        shown = {key: (values, values[0]) for key, values in oracle.shown().items()}
        occurred += oracle.count
        identities = {frozenset(records) for records in oracle.identities}
        links = {
            (record, identifier): (status, len(oracle.carriers[identifier]) - 1)
            for (record, identifier), status in oracle.status.items()
        }
        for again in range(2):
            found_identities, found_links, found_shown = found[number, again]
            found_shown = {
                (frozenset(found_identities[identity]), kind): values
                for (identity, kind), values in found_shown.items()
            }
            same = {frozenset(r) for r in found_identities.values()} == identities
            if same and found_links == links and found_shown == shown:
                continue
            wrong += 1
            if wrong == until:
                print("differs")
                return False
            if wrong <= 5:
                print(f"graph {number}: the oracle says\n  {sorted(map(sorted, identities))}")
                print(f"the extension\n  {sorted(map(sorted, found_identities.values()))}")
                for key in sorted(set(links) | set(found_links)):
                    if links.get(key) != found_links.get(key):
                        print(f"  {key}: oracle {links.get(key)}, found {found_links.get(key)}")
                for records, kind in {**shown, **found_shown} if same else ():
                    says, finds = shown.get((records, kind)), found_shown.get((records, kind))
                    if says != finds:
                        print(f"  {sorted(records)} {kind}: oracle shows {says}, found {finds}")
                tell(problem)
    for what, times in sorted(occurred.items()):
        print(f"  {what}: {times}")
    never = missing(occurred, MUST_OCCUR)
    print(f"guards oracle: {count} graphs, each in two orders, {wrong} differences")
    failed = (wrong > 0) + never
    print(f"{2 - failed} passed, {failed} failed")
    return failed


MUST_OCCUR = (
    "links alone invalid blocked too_common conflict ambiguous not_linking".split()
    + ["components rebuilt", "overfull records", "fallback values split"]
    + ["identifiers dead", "regions disputed", "groups broken", "placeholders let through"]
    + [f"blocked {by}" for by in "placeholders values patterns roles".split()]
    + ["blocked patterns in any case"]
    + ["limits that do not count", "overfull records that take part", "unions with a surplus"]
    + ["unions that only the surplus of a record would allow"]
    + ["identifiers with copies", "identifiers with several keeping limits"]
    + ["identifiers without copies for a dispute alone", "groups of several who agree"]
    + ["followers", "followers of nobody", "followers by the data"]
    + ["refused and yet together", "all refused and yet together"]
    + ["conflict for another copy", "ambiguous for another copy"]
    + ["contested values not shown", "values in another order"]
    + ["refused values that nobody has for sure", "refused values that somebody else has"]
)


if __name__ == "__main__":
    command, numbers = sys.argv[1], map(int, sys.argv[2:])
    commands = {"stories": stories, "laws": laws, "generate": generate, "compare": compare}
    commands["differs"] = lambda seed, count: compare(seed, count, until=1)
    sys.exit(commands[command](*numbers))
