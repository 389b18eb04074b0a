"""Inner objectives built so that z* is known, from links between z and x."""
