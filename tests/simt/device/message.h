#pragma once

#include <string>

#include "device/block.h"

// The parts of a Fault's message.
namespace simt {

std::string describe(uint3 index);           // "(1,0,0)"
std::string describe(const Site& site);      // "file.cu:12:5"
std::string describe_thread(unsigned rank);  // "thread (1,0,0)"
std::string describe_wait(unsigned rank,
                          const Rendezvous& at);  // "thread (1,0,0) waits in __syncthreads() at file.cu:12"
bool same_place(const Site& a, const Site& b);

// Throws a Fault with the message behind the names of kernel and block.
[[noreturn]] void throw_fault(const Block& block, const std::string& message);

}  // namespace simt
