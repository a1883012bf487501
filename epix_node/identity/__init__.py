"""Who this node is to others: its own keys, the role and the manifest that it signed itself, and how these change.

``opener`` finds passphrases, ``key_box`` has the keys, ``hsm`` the token, ``live`` the ones that count at this moment;
``role`` signs the versions of the own manifest, and ``rotation`` says what may change from one to the next.
"""
