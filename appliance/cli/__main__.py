"""`python -m appliance.cli`: the same program, where no script is installed."""

from appliance.cli import main

main()
