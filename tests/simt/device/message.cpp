#include "device/message.h"

#include <cstring>
#include <string_view>

#include "device/context.h"
#include "device/launch.h"
#include "device/run.h"

namespace simt {

std::string describe(uint3 index) {
  std::string text = "(";
  text.append(std::to_string(index.x)).append(",");
  text.append(std::to_string(index.y)).append(",");
  return text.append(std::to_string(index.z)).append(")");
}

std::string describe(const Site& site) {
  const std::string_view path = site.file_name();
  return std::string(path.substr(path.rfind('/') + 1)) + ":" + std::to_string(site.line()) + ":" +
         std::to_string(site.column());
}

std::string describe_thread(unsigned rank) {
  return "thread " + describe(index_in(context.block_dim, rank));
}

std::string describe_wait(unsigned rank, const Rendezvous& at) {
  return describe_thread(rank) + " waits in " + at.call + "() at " + describe(at.site);
}

bool same_place(const Site& a, const Site& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

void throw_fault(const Block& block, const std::string& message) {
  throw Fault("simt: kernel " + std::string(running_kernel()) + ", block " + describe(block.index) + ": " + message);
}

}  // namespace simt
