// What the kernel knows: time, CPU time and memory of processes, pinning, descriptor limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace halley::load {

uint64_t NowNs();        // monotonic
uint64_t ThreadCpuNs();  // of the calling thread
uint64_t OwnCpuNs();     // of all threads of this process

// Pins the calling thread to `cpus[turn % size]`; empty: leaves it alone. False when the kernel
// refuses.
bool PinThread(const std::vector<uint32_t>& cpus, size_t turn);

// Gives the calling thread a descriptor table of its own, with nothing in it but the standard
// streams, so that the descriptor limit counts for this thread alone.
void PartDescriptorTable();

// Raises RLIMIT_NOFILE to its hard limit and returns it.
uint64_t RaiseDescriptorLimit();

// CPU time of all threads of `pid`; 0 when it cannot be read.
uint64_t ProcessCpuNs(int pid);

// The ksoftirqd threads of some CPUs, whose CPU time is the price of packets that the sending
// thread did not pay itself. In a container they are often hidden: then the time is 0.
class SoftirqClock {
 public:
  explicit SoftirqClock(const std::vector<uint32_t>& cpus);
  uint64_t ReadNs() const;

 private:
  std::vector<std::string> paths_;
};

// Resident memory of `pid`, exact where smaps_rollup may be read: since Linux 6.2 VmRSS may be off
// by some hundred pages. 0 when it cannot be read.
uint64_t ResidentBytes(int pid);

// The whole machine's: what the kernel keeps for sockets is nobody's resident memory.
struct MachineMemory {
  uint64_t slab = 0;       // the kernel's objects, those that can be reclaimed too
  uint64_t available = 0;  // what new programs could have
};
MachineMemory ReadMachineMemory();

}  // namespace halley::load
