"""``python -m epix_node`` is the ``epix-node`` command."""

from epix_node.cli.main import main

if __name__ == "__main__":
    main()
