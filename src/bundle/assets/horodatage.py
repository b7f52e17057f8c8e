"""Lit un jeton d'horodatage (RFC 3161, en DER) : ce qu'il horodate, et la date qu'il porte.

La signature du jeton et le certificat de l'autorité ne sont pas vérifiés ici : la bibliothèque standard de Python
ne sait pas le faire. OpenSSL le fait, avec le certificat de l'autorité que vous tenez :

    openssl ts -verify -data checkpoint.txt -in horodatage.tst -token_in -CAfile AUTORITE.pem
"""

import datetime

SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
TST_INFO = bytes.fromhex("2a864886f70d0109100104")
SHA256 = bytes.fromhex("608648016503040201")


def parts(data):
    """Les éléments qui se suivent dans `data`, chacun par son contenu."""
    found = []
    while data:
        start, length = 2, data[1]
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        if start == 2 and data[1] == 0x80 or start + length > len(data):
            raise ValueError("le jeton d'horodatage est abîmé")
        found.append(data[start:start + length])
        data = data[start + length:]
    return found


def read(token):
    """L'empreinte SHA-256 que le jeton horodate, et sa date (UTC)."""
    try:
        kind, message = parts(*parts(token))
        enclosed, content = parts(parts(*parts(message))[2])
        info = parts(*parts(*parts(content)))
        algorithm, digest = parts(info[2])
        date = info[4].decode().rstrip("Z").split(".")[0]
        at = datetime.datetime.strptime(date, "%Y%m%d%H%M%S")
        known = (kind, enclosed, parts(algorithm)[0]) == (SIGNED_DATA, TST_INFO, SHA256)
    except (IndexError, TypeError) as cause:
        raise ValueError("le jeton d'horodatage est abîmé") from cause
    if not known:
        raise ValueError("le jeton d'horodatage est d'une autre sorte")
    return digest, at
