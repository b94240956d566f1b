"""rooms: many rooms of two members: what a quiet one weighs, and how fast members change rooms."""

from lib.results import MEASURED, measured, table

TITLE = "many small rooms: memory, joins and leaves, pushes"


def weigh(bench, clients, rooms):
    """Resident bytes per client, of a gateway that has served nobody before."""
    with bench.gateway() as gateway:
        report = bench.load(gateway, push=False, clients=clients, rooms=rooms,
                            settle_ms=bench.size(2000, 100), hold=1, seconds=1)
    return report["bytes_per_connection"]


def run(bench):
    clients = bench.size(18000, 100)
    rooms = clients // 2
    alone = weigh(bench, clients, 0)
    paired = weigh(bench, clients, rooms)
    room_bytes = (paired - alone) * clients / rooms
    table(f"memory of {clients} quiet clients",
          (("rooms", "rooms", ""), ("bytes/client", "bytes", ",.0f"),
           ("bytes/room with its members' places", "room_bytes", ",.0f")),
          [{"rooms": 0, "bytes": alone},
           {"rooms": rooms, "bytes": paired, "room_bytes": room_bytes}])

    with bench.gateway() as gateway:
        changes = bench.load(gateway, push=False, clients=clients, rooms=rooms, room_changes=256,
                             hold=bench.size(10, 1))
        pushes = bench.load(gateway, clients=clients, rooms=rooms, window=256, pushers=2,
                            seconds=bench.size(10, 1))
    table("clients that leave their room and join the next, 256 under way",
          (("changes/s", "per_s", ",.0f"), ("CPU ns each", "cpu_ns", ",.0f"),
           ("server busy", "server", ".2f"), ("load busy", "load", ".2f")),
          [{"per_s": changes["room_changes_per_s"], "cpu_ns": changes["room_change_cpu_ns"],
            "server": changes["hold_server_cores"], "load": changes["hold_load_cores"]}])
    table("pushes to one room after another, 256 in flight on two push connections",
          (("pushes/s", "pushes", ",.0f"), *MEASURED),
          [{"pushes": pushes["pushes_per_s"], **measured(pushes)}])
    return {"rows": [measured(pushes)], "bytes_per_client": alone, "bytes_per_room": room_bytes,
            "room_changes_per_s": changes["room_changes_per_s"],
            "room_change_cpu_ns": changes["room_change_cpu_ns"],
            "pushes_per_s": pushes["pushes_per_s"]}
