#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "core/json_text.h"

namespace lacuna::core {
namespace {

using Json = nlohmann::ordered_json;

TEST(JsonText, ARowOfNumbersIsALine) {
  const Json json = {{"confusion", {{90, 0}, {1, -2.5}}}, {"names", {"a", "b"}}, {"shape", {28, 28}}};
  EXPECT_EQ(json_text(json),
            "{\n"
            "  \"confusion\": [\n"
            "    [90, 0],\n"
            "    [1, -2.5]\n"
            "  ],\n"
            "  \"names\": [\n"
            "    \"a\",\n"
            "    \"b\"\n"
            "  ],\n"
            "  \"shape\": [28, 28]\n"
            "}");
}

TEST(JsonText, SaysTheSameAsTheLibrary) {
  Json json = Json::parse(R"({"b": [], "a": {}, "c": [{}, [], [{"x": [null, true, 1e300, "\"\n"]}]], "\t": 0.1})");
  EXPECT_EQ(json_text(json), json.dump(2)) << "no row of numbers in it";
  json["numbers"] = {0.1, 1e-300, std::numeric_limits<std::uint64_t>::max()};
  EXPECT_EQ(Json::parse(json_text(json)), json);
  json["numbers"].push_back(NAN);
  EXPECT_TRUE(Json::parse(json_text(json))["numbers"][3].is_null());
  EXPECT_EQ(json_text(Json("broken \xff")), "\"broken \xef\xbf\xbd\"");
}

}  // namespace
}  // namespace lacuna::core
