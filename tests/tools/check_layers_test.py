"""Each kind of violation, alone in a small tree of its own."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"

LAW = """
# comment
base:
io: base
wire: base
hub: base wire   # comment
include (include/halley):
proto (proto/halley):
client: base include proto
tool (tools/tool): base wire
sim (tests/sim): *
<liburing: io
"""

TREE = {
    "tools/layers.txt": LAW,
    "src/base/a.h": '#include <vector>\n#include "absl/strings/str_cat.h"\n',
    "src/base/a.cc": '#include "base/a.h"\n',
    "src/io/ring.h": '#include <liburing.h>\n#include "base/a.h"\n',
    "src/wire/frame.h": '#include "base/a.h"\n',
    "src/hub/hub.h": '#include "wire/frame.h"\n',
    "include/halley/client.h": '#include <string>\n#include "absl/time/time.h"\n'
                               '#include "halley/types.h"\n',
    "include/halley/types.h": "#include <cstdint>\n",
    "proto/halley/push.proto": "",
    "src/client/client.cc": '#include "halley/client.h"\n#include "halley/push.pb.h"\n'
                            '#include "halley/push.grpc.pb.h"\n',
    "tests/hub/hub_test.cc": '#include "gtest/gtest.h"\n#include "hub/hub.h"\n'
                             '#include "wire/vectors.h"\n',
    "tests/wire/vectors.h": "",
    "tests/sim/sim_test.cc": '#include "hub/hub.h"\n#include "io/ring.h"\n#include <liburing.h>\n',
    "tools/tool/main.cc": '#include "tool/options.h"\n#include "wire/frame.h"\n',
    "tools/tool/options.h": "",
    "src/hub/meson.build": "hub_dep = [base_dep, wire_dep, absl_dep]  # io_dep\n",
    "tests/hub/meson.build": "x = [gtest_dep, hub_dep, wire_lib]\n",
}


class CheckLayers(unittest.TestCase):
    def check(self, changes):
        """The script's exit code and lines for TREE with some files replaced or added."""
        with tempfile.TemporaryDirectory() as root:
            for name, content in {**TREE, **changes}.items():
                path = pathlib.Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            done = subprocess.run([sys.executable, SCRIPT, root], text=True, check=False,
                                  stdout=subprocess.PIPE)
        return done.returncode, done.stdout.splitlines()

    def reject(self, changes, *lines):
        code, out = self.check(changes)
        self.assertEqual(out, list(lines))
        self.assertEqual(code, 1)

    def test_accepts_a_tree_that_follows_the_law(self):
        self.assertEqual(self.check({}), (0, ["13 files follow tools/layers.txt"]))

    def test_rejects_an_include_against_the_direction(self):
        self.reject({"src/base/b.h": '\n#include "wire/frame.h"\n'},
                    'src/base/b.h:2: base may not include "wire/frame.h": tools/layers.txt does '
                    'not name wire')

    def test_rejects_siblings_that_meet(self):
        self.reject({"src/io/b.cc": '#  include "wire/frame.h"\n'},
                    'src/io/b.cc:1: io may not include "wire/frame.h": tools/layers.txt does not '
                    'name wire')

    def test_holds_tests_to_the_rights_of_what_they_test(self):
        self.reject({"tests/wire/b_test.cc": '#include "hub/hub.h"\n'},
                    'tests/wire/b_test.cc:1: wire may not include "hub/hub.h": tools/layers.txt '
                    'does not name hub')

    def test_holds_tools_to_their_line(self):
        self.reject({"tools/tool/b.cc": '#include "hub/hub.h"\n'},
                    'tools/tool/b.cc:1: tool may not include "hub/hub.h": tools/layers.txt does '
                    'not name hub')

    def test_rejects_generated_headers_where_proto_is_not_named(self):
        self.reject({"src/hub/b.cc": '#include "halley/push.pb.h"\n'},
                    'src/hub/b.cc:1: hub may not include "halley/push.pb.h": tools/layers.txt does '
                    'not name proto')

    def test_rejects_an_unknown_folder(self):
        for name in ("src/util/b.h", "tests/util/b_test.cc", "bench/util/b_bench.cc",
                     "tools/util/b.cc", "tests/b.cc", "src/b.cc"):
            self.reject({name: ""},
                        f"{name}: its folder is unknown: give it a line in tools/layers.txt")

    def test_rejects_an_include_that_is_not_written_from_src(self):
        self.reject({"src/base/b.cc": '#include "a.h"\n'},
                    'src/base/b.cc:1: "a.h" is found beside the file only: write it from src/')
        self.reject({"src/base/b.cc": '#include "../base/a.h"\n'},
                    'src/base/b.cc:1: "../base/a.h" is found beside the file only: write it from '
                    'src/')

    def test_rejects_an_include_that_is_no_file(self):
        self.reject({"src/base/b.cc": '#include "base/gone.h"\n'},
                    'src/base/b.cc:1: "base/gone.h" is no file of ours: use <> for what is not')
        self.reject({"src/client/b.cc": '#include "halley/gone.pb.h"\n'},
                    'src/client/b.cc:1: "halley/gone.pb.h" is no file of ours: use <> for what is '
                    'not')

    def test_rejects_our_files_in_angle_brackets(self):
        self.reject({"src/base/b.cc": '#include <base/a.h>\n'},
                    "src/base/b.cc:1: <base/a.h> is ours: include it with quotes")

    def test_rejects_test_headers_in_the_product(self):
        self.reject({"src/wire/b.cc": '#include "wire/vectors.h"\n'},
                    'src/wire/b.cc:1: "wire/vectors.h" is no file of ours: use <> for what is not')

    def test_rejects_a_library_away_from_its_place(self):
        self.reject({"src/hub/b.cc": '#include <liburing/io_uring.h>\n'},
                    "src/hub/b.cc:1: hub may not include <liburing/io_uring.h>: only io may")

    def test_holds_public_headers_to_std_absl_and_halley(self):
        for include in ("<sys/socket.h>", "<liburing.h>", "<openssl/evp.h>"):
            self.reject({"include/halley/b.h": f"#include {include}\n"},
                        f"include/halley/b.h:1: a public header may not include {include}: only "
                        "std, absl and halley")
        self.reject({"include/halley/b.h": '#include "google/protobuf/message.h"\n'},
                    'include/halley/b.h:1: a public header may not include '
                    '"google/protobuf/message.h": only std, absl and halley')
        self.reject({"include/halley/b.h": '#include "base/a.h"\n'},
                    'include/halley/b.h:1: include may not include "base/a.h": tools/layers.txt '
                    'does not name base')
        self.reject({"include/halley/b.h": '#include "halley/push.pb.h"\n'},
                    'include/halley/b.h:1: include may not include "halley/push.pb.h": '
                    'tools/layers.txt does not name proto')

    def test_rejects_a_meson_dependency_beyond_the_line(self):
        self.reject({"src/wire/meson.build": "\nwire_dep = [base_dep, io_dep]\n"},
                    "src/wire/meson.build:2: wire may not depend on io_dep: tools/layers.txt does "
                    "not name io")
        self.reject({"tests/wire/meson.build": "x = [wire_dep, hub_lib]\n"},
                    "tests/wire/meson.build:1: wire may not depend on hub_lib: tools/layers.txt "
                    "does not name hub")

    def test_rejects_a_cycle_in_the_law(self):
        self.reject({"tools/layers.txt": "base: hub\nwire: base\nhub: wire\n"},
                    "layers.txt: base -> hub -> wire -> base is a cycle: take one arrow away")

    def test_rejects_a_law_that_makes_no_sense(self):
        self.reject({"tools/layers.txt": LAW + "base:\n"},
                    "layers.txt:13: base has a line already: keep one")
        self.reject({"tools/layers.txt": LAW + "base, io\n"},
                    "layers.txt:13: not a line of the law: write 'name: names'")
        self.reject({"tools/layers.txt": LAW + "shard: hubb\n"},
                    "layers.txt: shard names hubb, which has no line: add one")

    def test_rejects_a_root_without_sources(self):
        with tempfile.TemporaryDirectory() as root:
            path = pathlib.Path(root, "tools", "layers.txt")
            path.parent.mkdir()
            path.write_text(LAW)
            done = subprocess.run([sys.executable, SCRIPT, root], check=False,
                                  stdout=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
