#!/usr/bin/env python3
"""Writes disposable_domains.inc: domains whose mailboxes last for minutes, sorted, one to a line.

The lines are literals, several of them, with commas between.

    disposable_domains.py BLOCKLIST COMMIT >disposable_domains.inc

BLOCKLIST is disposable_email_blocklist.conf of github.com/disposable-email-domains/
disposable-email-domains at COMMIT, dedicated to the public domain (CC0 1.0). Left out is what gives
lasting mailboxes (LASTING); added is what we know besides (OWN).
"""

import re
import sys

# In the blocklist, but a provider of ordinary mailboxes.
LASTING = {"21cn.com"}

# Not in the blocklist.
OWN = {
    "33mail.com",
    "burnermail.io",
    "mail-temp.com",
    "minutebox.com",
    "spamgourmet.com",
    "temp-mail.io",
    "tempmail.net",
}

DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


def main():
    path, commit = sys.argv[1:]
    with open(path, encoding="ascii") as file:
        domains = {line.strip() for line in file if line.strip() and not line.startswith("#")}
    domains = (domains - LASTING) | OWN
    unfit = sorted(domain for domain in domains if not DOMAIN.fullmatch(domain))
    if unfit:
        sys.exit(f"no domains: {unfit}")
    print("// Written by disposable_domains.py; source and licence stand there. Blocklist as of commit")
    print(f"// {commit}.")
    # Compilers need not take a literal of more than 65,536 characters.
    for number, domain in enumerate(sorted(domains)):
        if number % 2000 == 0 and number > 0:
            print(",")
        print(f'"{domain}\\n"')


main()
