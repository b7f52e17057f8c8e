#!/usr/bin/env python3
"""Vérifie un recueil de preuves de Navette avec Python 3 seul, sans réseau ni logiciel de Navette.

    python3 verify.py [RECUEIL] [--cle FICHIER] [--point FICHIER]

RECUEIL : le recueil, en ZIP ou décompressé ; le dossier de ce programme si rien n'est dit.
--cle   : la clé publique que vous tenez. Sans elle, celle du recueil sert, ce qui ne prouve pas son origine.
--point : le dernier point de contrôle que vous tenez : le journal d'aujourd'hui doit en être la suite.

Ce qui est vérifié, et comment, est dit dans LISEZMOI.txt. Le programme finit par 0 si tout est conforme.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import sys
import zipfile

import ed25519
import horodatage

# Où chaque événement nomme des fichiers, par leur SHA-256.
FILES = {
    "document.merged": ["office"],
    "document.converted": ["pdf.file"],
    "document.visaed": ["pdf.file"],
    "document.signed": ["pdf.file"],
    "signature.retrieved": ["pdf", "slip"],
}


class Fault(Exception):
    """Ce qui n'est pas conforme, en une phrase."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def event_hash(event, previous):
    """L'empreinte d'un événement : chaque champ précédé de sa longueur sur 8 octets."""
    names = ["position", "stream_type", "stream_id", "version", "event_type", "event_version"]
    names += ["recorded_at", "payload", "metadata"]
    fields = [b"navette event 1", previous] + [str(event[name]).encode() for name in names]
    return sha256(*(len(field).to_bytes(8, "big") + field for field in fields))


def node(left, right):
    return sha256(b"\1", left, right)


def climb(here, last, proof):
    """Les voisins rencontrés en montant d'une feuille vers la racine, et s'ils se tiennent à gauche."""
    for sibling in proof:
        if last == 0:
            raise Fault("sa preuve est trop longue")
        is_left = here & 1 or here == last
        while is_left and here and not here & 1:
            here, last = here >> 1, last >> 1
        yield sibling, is_left
        here, last = here >> 1, last >> 1
    if last:
        raise Fault("sa preuve est trop courte")


def root_with(event, index, size, proof):
    """La racine de l'arbre de `size` feuilles dont cet événement est la feuille `index` (RFC 9162, 2.1.3.2)."""
    if index >= size:
        raise Fault("il est plus récent que le point de contrôle")
    reached = sha256(b"\0", event)
    for sibling, is_left in climb(index, size - 1, proof):
        reached = node(sibling, reached) if is_left else node(reached, sibling)
    return reached


def check_consistency(old, old_root, new, new_root, proof):
    """L'arbre de `new` feuilles commence par celui de `old` feuilles (RFC 9162, 2.1.4.2)."""
    here, last = max(old - 1, 0), new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    first, *proof = proof if old & (old - 1) and old < new else [old_root] + proof
    before, after = first, first
    for sibling, is_left in climb(here, last, proof) if 0 < old < new else []:
        before = node(sibling, before) if is_left else before
        after = node(sibling, after) if is_left else node(after, sibling)
    if old and (before, after) != (old_root, new_root):
        raise Fault("le journal a été réécrit depuis le point de contrôle que vous tenez")


def read_key(text):
    """La clé « nom+numéro+clé » : son nom, son numéro et ses 32 octets."""
    name, number, key = text.strip().split("+", 2)
    key = base64.b64decode(key)
    if key[:1] != b"\1" or sha256(name.encode(), b"\n", key)[:4].hex() != number:
        raise Fault("la clé publique est abîmée")
    return name, bytes.fromhex(number), key[1:]


def read_checkpoint(note, *keys):
    """La taille et la racine que dit un point de contrôle, une fois vérifiée sa signature par l'une des clés."""
    text, _, signatures = note.decode().rpartition("\n\n")
    origin, size, root = text.split("\n")[:3]
    if origin != keys[0][0]:
        raise Fault(f"c'est le point de contrôle d'un autre journal ({origin}), ou d'avant une restauration")
    for line in signatures.splitlines():
        _, name, signature = line.split(" ")
        signature = base64.b64decode(signature)
        for key in keys:
            if name == key[0] and signature[:4] == key[1]:
                if ed25519.verify(key[2], (text + "\n").encode(), signature[4:]):
                    return int(size), base64.b64decode(root)
                raise Fault("le point de contrôle a été modifié : sa signature est fausse")
    raise Fault("le point de contrôle n'est pas signé par cette clé")


def follow(key, passages):
    """La clé, et celles qui la précèdent et la suivent : chaque passage est signé par les deux clés qu'il nomme."""
    keys = [key]
    for note in passages + passages[::-1]:
        pair = [read_key(line) for line in note.split("\n")[3:5]]
        if any(key in keys for key in pair):
            for key in pair:
                read_checkpoint(note.encode(), key)
            keys += [key for key in pair if key not in keys]
    return keys


def check_events(lines, size, root):
    """Chaque événement est intact, à sa place dans son flux, et dans l'arbre signé."""
    events, streams = [json.loads(line) for line in lines], {}
    for before, event in zip(events, events[1:]):
        if event["position"] <= before["position"]:
            raise Fault(f"événement {event['position']} ({event['event_type']}) : il n'est pas dans l'ordre du journal")
    for event in events:
        position, stream = event["position"], event["stream_id"]
        version, previous = streams.get(stream, (0, bytes(32)))
        here = f"événement {position} ({event['event_type']})"
        if event["version"] != version + 1:
            raise Fault(f"{here} : il manque l'événement de version {version + 1} dans le flux {stream}")
        if event["previous"] != previous.hex() or event["hash"] != event_hash(event, previous).hex():
            raise Fault(f"{here} : il a été modifié, son empreinte n'est pas celle de son contenu")
        proof = [bytes.fromhex(sibling) for sibling in event["inclusion"]]
        try:
            found = root_with(bytes.fromhex(event["hash"]), position - 1, size, proof)
        except Fault as fault:
            raise Fault(f"{here} : {fault}") from fault
        if found != root:
            raise Fault(f"{here} : il n'est pas dans le journal signé (antidaté, inséré ou modifié)")
        streams[stream] = (version + 1, bytes.fromhex(event["hash"]))
    return len(events)


def check_files(lines, folder):
    """Chaque fichier est celui que les événements nomment, et aucun ne manque ni n'est de trop."""
    named = {}
    for event in map(json.loads, lines):
        for path in FILES.get(event["event_type"], []):
            digest = json.loads(event["payload"])
            for name in path.split("."):
                digest = digest[name]
            if digest:
                named[digest] = event["position"]
    files = {entry.name.split(".")[0]: entry for entry in folder.iterdir()} if folder.exists() else {}
    for digest, entry in files.items():
        if digest not in named:
            raise Fault(f"documents/{entry.name} : aucun événement ne nomme ce fichier")
        if sha256(entry.read_bytes()).hex() != digest:
            raise Fault(f"documents/{entry.name} : ce n'est pas le fichier de l'événement {named[digest]}")
    for digest in named.keys() - files.keys():
        raise Fault(f"le fichier {digest}, que nomme l'événement {named[digest]}, manque")
    return len(files)


def check(bundle, held_key, held_checkpoint):
    """Les phrases de ce qui est conforme ; la première faute arrête."""
    key = read_key(held_key or (bundle / "cle.txt").read_text(encoding="utf-8"))
    passages = bundle / "passages.json"
    keys = follow(key, json.loads(passages.read_text(encoding="utf-8")) if passages.exists() else [])
    size, root = read_checkpoint((bundle / "checkpoint.txt").read_bytes(), *keys)
    yield f"Point de contrôle du journal {key[0]} : {size} événements, signature juste."
    if (bundle / "horodatage.tst").exists():
        imprint, at = horodatage.read((bundle / "horodatage.tst").read_bytes())
        if imprint != sha256((bundle / "checkpoint.txt").read_bytes()):
            raise Fault("le jeton d'horodatage est celui d'un autre point de contrôle")
        yield f"Un jeton d'horodatage dit que ce point de contrôle existait le {at:%d/%m/%Y à %H:%M:%S} (UTC)."
        yield "À VÉRIFIER avec OpenSSL : la signature de ce jeton (la commande est dans LISEZMOI.txt)."
    # Un événement par ligne ; ce qui coupe les lignes ailleurs peut être dans un événement.
    lines = (bundle / "events.jsonl").read_bytes().decode().split("\n")[:-1]
    yield f"{check_events(lines, size, root)} événements intacts, chacun à sa place dans le journal signé."
    yield f"{check_files(lines, bundle / 'documents')} fichiers identiques à ceux que nomment les événements."
    if held_checkpoint:
        old, old_root = read_checkpoint(held_checkpoint, *keys)
        if size < old:
            raise Fault(f"le journal a été tronqué : il avait {old} événements, il n'en a plus que {size}")
        path = bundle / "consistency.json"
        proof = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"from": None}
        if proof["from"] != old:
            raise Fault(f"ce recueil a été demandé sans votre point de contrôle de {old} événements")
        check_consistency(old, old_root, size, root, [bytes.fromhex(sibling) for sibling in proof["proof"]])
        yield f"Le journal est la suite de celui de {old} événements dont vous teniez le point de contrôle."
    if not held_key:
        yield "À COMPARER : cle.txt avec la clé que Navette vous a donnée (ou l'option --cle)."


def main():
    parser = argparse.ArgumentParser(description="Vérifie un recueil de preuves de Navette.")
    parser.add_argument("bundle", nargs="?", default=pathlib.Path(__file__).resolve().parent, metavar="RECUEIL")
    parser.add_argument("--cle", type=pathlib.Path, metavar="FICHIER", help="la clé publique que vous tenez")
    parser.add_argument("--point", type=pathlib.Path, metavar="FICHIER", help="le point de contrôle que vous tenez")
    asked = parser.parse_args()
    try:
        bundle = zipfile.Path(asked.bundle) if zipfile.is_zipfile(asked.bundle) else pathlib.Path(asked.bundle)
        key, point = asked.cle and asked.cle.read_text(encoding="utf-8"), asked.point and asked.point.read_bytes()
        for sentence in check(bundle, key, point):
            print(sentence)
    except Fault as fault:
        print(f"NON CONFORME : {fault}.")
        return 1
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as cause:
        print(f"NON CONFORME : le recueil est incomplet ou illisible ({cause!r}).")
        return 1
    print("CONFORME.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
