"""``python -m samplegen``: the same as the command ``samplegen``."""

from samplegen.cli import main

if __name__ == "__main__":
    main()
