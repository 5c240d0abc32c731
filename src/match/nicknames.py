#!/usr/bin/env python3
"""Writes nicknames.inc: groups of given names that one person may go by, one group to a line.

Each line is a literal: a name, then its nicknames, with blanks between.

    nicknames.py NAMES COMMIT >nicknames.inc

NAMES is names.csv of github.com/carltonnorthern/nicknames at COMMIT (its columns: name1, relationship,
name2), Apache License 2.0 (nicknames.LICENSE). Changed from it: left out are nicknames that any
comparison of letters finds (one edit, or other endings behind four letters), and then names with one
nickname only, most of which are variants in spelling of such as have more. Added is what we know of
other languages (OWN), under this project's licence.
"""

import collections
import csv
import sys

OWN = """
alejandro alex ale jandro
aleksandr sasha sascha alex
aleksandra sasha sascha ola
alessandro sandro ale
andreas andi andy
anna anja anni annika anka
antonio tono tonio toni nino
bartholomaeus bartel barthel
bernhard bernd berni
christian chris christl
christoph chris stoffel
concepcion concha conchita
dimitri dima mitja
dmitri dima mitya
dominique dodo
dolores lola
eduardo edu lalo
ekaterina katja katya
elisabeth lisa liesl lisbeth sissi elsbeth else lilli betty ilse
enrique quique kike
ernst erni
evgeni zhenya
ferdinand ferdl
francesca franca cesca
francesco franco ciccio cecco
francisca paca paquita
francisco paco pancho curro fran kiko
franziska franzi fanny
friedrich fritz friedl fredi
gabriele gabi
georg schorsch jorg jurgen
gerhard gerd hardy
giovanni gianni vanni
giuseppe beppe peppe pino
graciela chela
gregor grischa
guadalupe lupe lupita
guillermo memo guille
gunther gunter
heinrich heinz heini hein henner
helene leni lena
hendrik henk rik
ignacio nacho
irmgard irmi
isabel isa chabela
ivan vanya wanja
jacobus koos jaap
jakob jockel kobi
jacques jacquot
jesus chus chucho
jean jeannot
joachim jochen achim jo
johann hans hannes
johanna hanna hannah hanne jo
johannes hans hannes jan johan
jose pepe chepe josecito
josef sepp jupp beppo
joseph sepp jupp beppo
josefa pepa
juan juanito juancho
karl karli kalle charly
katarzyna kasia
katharina kathi katja kati kathe trine rina
klaus claus nikolaus klas
konrad kurt conny
leonhard leo hardi
leopold poldi leo
luigi gigi gino
ludwig lutz luggi wiggerl
lorenzo renzo enzo
luis lucho
magdalena leni lena magda
malgorzata gosia
manuel manolo manu
manfred manni fred
margarete grete gretel gretchen greta rita gitta
margarita marga rita
maria mia mitzi marie mariechen maja
matthias matze hias matthes
mercedes merche
michael michi michel
michail mischa misha
mikhail misha
montserrat montse
natalia nata natasha natascha
nikolai kolja kolya
nikolaus klaus nick niko
olga olya
pavel pasha
pilar pili
peter pit peterle
pietro piero
philipp lipp phil
rafael rafa
ramon moncho
reinhard reini
roberto beto berto
rosario charo
rudolf rudi rolf
salvador chava
salvatore toto turi
sebastian basti bastian wastl
sergei serjoscha seryozha
sigmund sigi
siegfried sigi
stefan steffen steffl
stephan steffen steffl
susanne susi sanne
svetlana sveta
tatiana tanya tanja
theresia resi thesi
therese resi thesi
teresa tere maite
tobias tobi
ulrich uli ulli
ulrike uli ulli rike
ursula uschi ulla ursel
valentin vali
vincenzo enzo
vladimir vova volodya wladi
walter walli
waltraud traudl
wilhelm willi willy helmi
wilhelmina mina minna
wolfgang wolf wolfi
yevgeny zhenya
"""


def is_alike(a, b):
    if a[:4] == b[:4] and abs(len(a) - len(b)) <= 2:
        return True
    if len(a) > len(b):
        a, b = b, a
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b)) <= 1
    return any(b[:i] + b[i + 1 :] == a for i in range(len(b)))


def is_word(name):
    return name.isascii() and name.isalpha()


def main():
    path, commit = sys.argv[1:]
    groups = collections.defaultdict(set)
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, nickname = row["name1"], row["name2"]
            if is_word(name) and is_word(nickname) and not is_alike(name, nickname):
                groups[name].add(nickname)
    groups = {name: nicknames for name, nicknames in groups.items() if len(nicknames) > 1}
    for line in OWN.split("\n"):
        names = line.split()
        if names:
            groups.setdefault(names[0], set()).update(names[1:])
    print("// Written by nicknames.py; source and licence stand there. Names as of commit")
    print(f"// {commit}.")
    for name in sorted(groups):
        print(f'"{" ".join([name] + sorted(groups[name] - {name}))}\\n"')


main()
