#pragma once

#include <fmt/format.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lacuna/error.h"

namespace lacuna::words {

/// Damerau-Levenshtein distance (optimal string alignment): edits and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known word nearest to `word`, or an empty string if none is near enough to be what was meant.
std::string nearest(std::string_view word, std::span<const std::string_view> known);

/// ` (did you mean "x"?)`, or an empty string.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

/// A list that gives each value of an enumeration its word: the one place where the word stands.
template <class Enum, std::size_t N>
using Table = std::array<std::pair<Enum, const char*>, N>;

template <class Enum, std::size_t N>
const char* word_of(const Table<Enum, N>& table, Enum value) {
  for (const auto& [entry, word] : table)
    if (entry == value) return word;
  return "?";
}

template <class Enum, std::size_t N>
Enum parse(const Table<Enum, N>& table, std::string_view what, std::string_view word) {
  std::vector<std::string_view> known;
  for (const auto& [entry, name] : table) {
    if (word == name) return entry;
    known.emplace_back(name);
  }
  throw InputError(
      fmt::format("unknown {} \"{}\"{}; known: {}", what, word, did_you_mean(word, known), fmt::join(known, ", ")));
}

}  // namespace lacuna::words
