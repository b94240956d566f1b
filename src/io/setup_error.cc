#include "io/setup_error.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace halley::io {

namespace {

std::string ForbiddenText(int error, const SetupEvidence& evidence) {
  const absl::string_view disabled = absl::StripAsciiWhitespace(evidence.io_uring_disabled);
  const absl::string_view seccomp = StatusLine(evidence.process_status, "Seccomp");
  // With the sysctl at 1 a privileged process may; one that was refused is not.
  if (error == EPERM && disabled == "2") {
    return "io_uring is switched off on this host (kernel.io_uring_disabled = 2); run `sysctl "
           "kernel.io_uring_disabled=0` on the host";
  }
  if (error == EPERM && disabled == "1") {
    return "io_uring is reserved for privileged processes on this host "
           "(kernel.io_uring_disabled = 1); run `sysctl kernel.io_uring_disabled=0` on the host, "
           "or run as a member of the group in kernel.io_uring_group";
  }
  if (seccomp == "1" || seccomp == "2") {
    return absl::StrCat(
        "io_uring is refused by a seccomp filter (", std::strerror(error),
        "); run with a profile that allows io_uring_setup, io_uring_enter and io_uring_register, "
        "such as `docker run --security-opt seccomp=PROFILE.json`");
  }
  if (error == ENOSYS) {
    return absl::StrCat("the kernel (", evidence.kernel,
                        ") has no io_uring; use Linux 6.1 or newer, built with CONFIG_IO_URING");
  }
  return absl::StrCat("io_uring is refused by a security policy of this host (",
                      std::strerror(error), "); allow io_uring_setup for this program in it");
}

}  // namespace

std::string ReadProcFile(const char* path) {
  std::string text;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  ssize_t bytes;
  while (text.size() < 65536 && (bytes = ::read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(bytes));
  }
  ::close(fd);
  return text;
}

absl::string_view StatusLine(absl::string_view process_status, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(process_status, '\n')) {
    if (absl::StartsWith(line, name) && absl::StartsWith(line.substr(name.size()), ":")) {
      return absl::StripAsciiWhitespace(line.substr(name.size() + 1));
    }
  }
  return {};
}

std::string KernelRelease() {
  utsname name{};
  ::uname(&name);
  return name.release;
}

SetupEvidence GatherSetupEvidence() {
  return {.io_uring_disabled = ReadProcFile("/proc/sys/kernel/io_uring_disabled"),
          .process_status = ReadProcFile("/proc/self/status"),
          .kernel = KernelRelease()};
}

absl::Status ExplainSetupError(int error, const SetupEvidence& evidence) {
  switch (error) {
    case EPERM:
    case EACCES:
    case ENOSYS:
      return absl::UnimplementedError(ForbiddenText(error, evidence));
    case EINVAL:
      return absl::UnimplementedError(absl::StrCat(
          "the kernel (", evidence.kernel,
          ") is too old: its io_uring lacks deferred task work; use Linux 6.1 or newer"));
    case ENOMEM:
      return absl::UnimplementedError(
          "there is not enough memory that may be locked for io_uring; raise RLIMIT_MEMLOCK "
          "(ulimit -l) or the memory limit of the container");
    case EMFILE:
      return absl::FailedPreconditionError(
          "the process is out of file descriptors; raise RLIMIT_NOFILE (ulimit -n)");
    case ENFILE:
      return absl::FailedPreconditionError(
          "the host is out of file descriptors; raise the sysctl fs.file-max");
    default:
      return absl::UnimplementedError(
          absl::StrCat("io_uring cannot be set up (", std::strerror(error),
                       "); see the errors of io_uring_setup(2) for the kernel ", evidence.kernel));
  }
}

}  // namespace halley::io
