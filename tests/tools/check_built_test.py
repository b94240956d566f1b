"""Each way to leave something out of the build, in a small project that meson really configures."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_built.py"

TREE = {
    "meson.build": "project('fake', 'cpp')\nsubdir('src/base')\nsubdir('tests')\nsubdir('bench')\n",
    "src/base/a.cc": "",
    "src/base/meson.build": "base_lib = static_library('base', 'a.cc')\n",
    "tests/meson.build": "test('a', executable('a_test', 'a_test.cc'))\n"
                         "test('s', find_program('python3'), args: files('s_test.py'))\n",
    "tests/a_test.cc": "",
    "tests/s_test.py": "",
    "bench/meson.build": "benchmark('a', executable('a_bench', 'a_bench.cc'))\n"
                         "limit = executable('limit', 'limit.cc')\n"
                         "test('limit', find_program('python3'), args: [limit, '--quick'])\n",
    "bench/a_bench.cc": "",
    "bench/limit.cc": "",
}


@unittest.skipUnless(shutil.which("meson"), "meson is not on the path")
class CheckBuilt(unittest.TestCase):
    def check(self, changes):
        with tempfile.TemporaryDirectory() as folder:
            root, build = pathlib.Path(folder, "root"), pathlib.Path(folder, "build")
            for name, content in {**TREE, **changes}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            subprocess.run(["meson", "setup", build, root], check=True, stdout=subprocess.DEVNULL)
            done = subprocess.run([sys.executable, SCRIPT, root, build], text=True, check=False,
                                  stdout=subprocess.PIPE)
        return done.returncode, done.stdout.splitlines()

    def reject(self, changes, *lines):
        code, out = self.check(changes)
        self.assertEqual(out, list(lines))
        self.assertEqual(code, 1)

    def test_accepts_a_tree_that_is_all_built_and_run(self):
        self.assertEqual(self.check({}), (0, ["4 source files are compiled, every test is run"]))

    def test_rejects_what_nothing_compiles_or_reads(self):
        self.reject({"src/base/b.cc": "", "tests/b_test.cc": "", "bench/b_bench.cc": "",
                     "tests/b_test.py": "", "src/io/meson.build": "x = static_library('b', 'b.cc')",
                     "src/io/b.cc": ""},
                    "src/base/b.cc: no target compiles it: name it in a meson.build",
                    "src/io/b.cc: no target compiles it: name it in a meson.build",
                    "src/io/meson.build: nothing reads it: add a subdir() in the folder above",
                    "tests/b_test.cc: no target compiles it: name it in a meson.build",
                    "tests/b_test.py: no test runs it: add a test() that does",
                    "bench/b_bench.cc: no target compiles it: name it in a meson.build")

    def test_rejects_what_is_commented_out(self):
        tests = TREE["tests/meson.build"].replace("test('a'", "# test('a'")
        self.reject({"tests/meson.build": tests},
                    "tests/a_test.cc: no target compiles it: name it in a meson.build")

    def test_rejects_what_is_built_but_never_run(self):
        self.reject({"tests/meson.build": "executable('a_test', 'a_test.cc')\n"
                                          "test('s', find_program('python3'), "
                                          "args: files('s_test.py'))\n",
                     "bench/meson.build": "executable('a_bench', 'a_bench.cc')\n"
                                          "executable('limit', 'limit.cc')\n"},
                    "a_test: the program is built but never run: add a test() or benchmark() of it",
                    "a_bench: the program is built but never run: add a test() or benchmark() of "
                    "it",
                    "limit: the program is built but never run: add a test() or benchmark() of it")


if __name__ == "__main__":
    unittest.main()
