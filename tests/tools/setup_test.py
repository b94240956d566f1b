"""tools/setup.sh on machines that are made up: only the programs it may find are on its path."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "setup.sh"
BORROWED = ("awk", "bash", "cat", "cut", "mktemp", "rm", "tail")
PROGRAMS = ("cmake", "g++", "grpc_cpp_plugin", "meson", "ninja", "openssl", "pkg-config", "protoc", "python3")
LIBRARIES = ("ca-certificates", "libabsl-dev", "libbenchmark-dev", "libcpp-httplib-dev", "libcurl4-openssl-dev",
             "libgmock-dev", "libgrpc++-dev", "libgtest-dev", "libmimalloc-dev", "libnghttp2-dev",
             "libprotobuf-dev", "libsimdjson-dev", "libspdlog-dev", "libssl-dev", "libtomlplusplus-dev", "liburing-dev",
             "zlib1g-dev")
INSTALL = "apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300"


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bin = pathlib.Path(folder.name, "bin")
        self.log = pathlib.Path(folder.name, "log")
        self.bin.mkdir()
        for name in BORROWED:
            (self.bin / name).symlink_to(shutil.which(name))
        for name in PROGRAMS:
            self.program(name, "")
        self.machine(user=0, libraries=LIBRARIES)

    def program(self, name, body):
        path = self.bin / name
        path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
        path.chmod(0o755)

    def machine(self, user, libraries=LIBRARIES, apt_get="true", sudo=False):
        self.program("id", f"echo {user}")
        self.program("apt-get", f'echo "apt-get $*" >> {self.log}; {apt_get}')
        lines = "".join(f"echo installed {each};" for each in libraries)
        self.program("dpkg-query", f"{lines} echo config-files libfmt-dev; exit 1")
        if sudo:
            self.program("sudo", f'echo -n "sudo " >> {self.log}; "$@"')

    def run_setup(self, *groups):
        """Exit code, output, and the commands that were to change the machine."""
        done = subprocess.run([self.bin / "bash", SCRIPT, *groups], text=True, check=False,
                              env={"PATH": str(self.bin)}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        commands = self.log.read_text().splitlines() if self.log.exists() else []
        return done.returncode, done.stdout, commands

    def test_does_nothing_when_all_is_there(self):
        self.assertEqual(self.run_setup("product", "test"), (0, "", []))

    def test_installs_what_is_missing_and_says_why(self):
        self.machine(user=0, libraries=[each for each in LIBRARIES if each != "libabsl-dev"])
        (self.bin / "cmake").unlink()
        self.assertEqual(self.run_setup("product"), (
            0,
            "setup: installing Debian packages:\n"
            "  cmake (finds mimalloc, which has no pkg-config file)\n"
            "  libabsl-dev (containers, status, strings)\n",
            ["apt-get update -q", f"{INSTALL} cmake libabsl-dev"]))

    def test_does_not_take_a_removed_package_for_an_installed_one(self):
        self.program("dpkg-query", "echo config-files libgtest-dev")
        self.assertIn("libgtest-dev (tests)", self.run_setup("test")[1])

    def test_installs_only_the_groups_that_are_asked_for(self):
        self.machine(user=0, libraries=())
        self.assertEqual(self.run_setup("test")[2][1],
                         f"{INSTALL} libgtest-dev libgmock-dev libbenchmark-dev libnghttp2-dev")

    def test_uses_sudo_when_not_root(self):
        self.machine(user=1000, sudo=True)
        (self.bin / "meson").unlink()
        code, _, commands = self.run_setup("product")
        self.assertEqual((code, commands),
                         (0, ["sudo apt-get update -q", f"sudo {INSTALL} meson"]))

    def test_says_what_to_run_without_sudo(self):
        self.machine(user=1000)
        (self.bin / "meson").unlink()
        code, out, commands = self.run_setup("product")
        self.assertEqual((code, commands), (1, []))
        self.assertIn("as root, run 'apt-get install meson'", out)

    def test_names_the_packages_where_there_is_no_apt_get(self):
        (self.bin / "meson").unlink()
        (self.bin / "apt-get").unlink()
        code, out, _ = self.run_setup("product")
        self.assertEqual(code, 1)
        self.assertIn("them: meson\n", out)

    def test_fails_and_shows_why_when_apt_get_fails(self):
        self.machine(user=0, apt_get="echo E: no such mirror; exit 100")
        (self.bin / "meson").unlink()
        code, out, commands = self.run_setup("product")
        self.assertEqual(code, 1)
        self.assertIn("E: no such mirror", out)
        self.assertEqual(len(commands), 2)  # an update that fails does not stop the install

    def test_goes_on_without_other_peoples_clients(self):
        self.machine(user=0, apt_get="exit 100")
        code, out, _ = self.run_setup("test", "e2e")
        self.assertEqual(code, 0)
        self.assertIn("the tests that need them are skipped", out)

    def test_rejects_an_unknown_group(self):
        self.assertEqual(self.run_setup("everything")[0], 2)


if __name__ == "__main__":
    unittest.main()
