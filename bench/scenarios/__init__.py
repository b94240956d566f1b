"""The scenarios of bench/run.py, by name. Each is a module with

    TITLE    one line
    run(bench) -> {"rows": [...], ...}: prints its table, returns what goes to JSON
    chart(result, path)               where it has a curve
"""

from . import attackers, comet, curve, deflate, fan_out, logic, mailbox, million, operate, private, renew, rooms, slow, storm, tls

SCENARIOS = {
    "paced": fan_out.Paced,
    "burst": fan_out.Burst,
    "curve": curve,
    "deflate": deflate,
    "tls": tls,
    "rooms": rooms,
    "slow": slow,
    "storm": storm,
    "attackers": attackers,
    "private": private,
    "mailbox": mailbox,
    "comet": comet,
    "logic": logic,
    "renew": renew,
    "operate": operate,
    "million": million,
}
