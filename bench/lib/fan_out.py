"""The gateway beside the bare loop of send(): rounds that alternate between the two."""


def one_run(bench, server, window, pushes, clients):
    """One run of halley-load against either; adds what the comparison is about as `ns`."""
    report = bench.load(server, "--spin", clients=clients, size=64, window=window, count=pushes,
                        warmup=2 * window)
    bare = "control" in server.addresses
    thread_ns = report["loop_ns_per_delivery"] if bare else report["cpu_ns_per_delivery"]
    report["ns"] = thread_ns + report["softirq_ns_per_delivery"]
    return report


def rounds(bench, gateways, limit, window, pushes, clients, count):
    """name -> pairs of reports (gateway, bare loop) for each gateway, told as they come."""
    pairs = {name: [] for name in gateways}
    for number in range(count):
        servers = [limit, *gateways.values()]
        order = servers if number % 2 == 0 else reversed(servers)
        reports = {each: one_run(bench, each, window, pushes, clients) for each in order}
        bare = reports[limit]
        for name, gateway in gateways.items():
            ours = reports[gateway]
            pairs[name].append((ours, bare))
            print(f"  {window:2} in flight, round {number + 1}: {name} {ours['ns']:6.0f}  "
                  f"bare {bare['ns']:6.0f}  ratio {ours['ns'] / bare['ns']:.3f}  sends per "
                  f"delivery {ours['sends_per_delivery']:.3f} / {bare['sends_per_delivery']:.3f}",
                  flush=True)
    return pairs
