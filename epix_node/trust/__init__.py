"""Who may sign for whom: own key files, certificates, other Parties' manifests, and the keyring made of them."""
