#include "cli/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <span>

#include "cli/toml_value.h"
#include "core/words.h"
#include "io/file.h"
#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

/// What every stage may hold beside settings.
constexpr std::string_view kStageKeys[] = {"name", "kind", "each", "quick"};
/// What shapes a stage, and is the same with --quick.
constexpr std::string_view kNotQuick[] = {"name", "kind", "each", "quick", "rows", "columns"};
/// The directory is the recipe's, and so is what happens to what is in it.
constexpr std::string_view kOfWholeRecipe[] = {"out", "force", "resume"};

bool is_among(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

std::vector<std::string_view> keys_of(const RecipeKind& kind) {
  std::vector<std::string_view> keys(std::begin(kStageKeys), std::end(kStageKeys));
  keys.insert(keys.end(), kind.keys.begin(), kind.keys.end());
  return keys;
}

class Reader {
 public:
  Reader(const RecipeText& text, bool quick) : where_(text.where), quick_(quick) {
    try {
      table_ = toml::parse(text.text, text.where);
    } catch (const toml::parse_error& error) {
      throw InputError(fmt::format("{}:{}: {}", where_, error.source().begin.line, error.description()));
    }
    recipe_.name = text.name;
  }

  Recipe read() {
    recipe_.quick = quick_;
    for (const auto& [key, node] : table_) {
      const std::string_view name = key;
      if (name == "title")
        recipe_.title = string(node, "title");
      else if (name == "description")
        recipe_.description = string(node, "description");
      else if (name == "settings")
        common_ = &table(node, "settings");
      else if (name != "stage" && name != "bar")
        unknown(node, name, {"title", "description", "settings", "stage", "bar"});
    }
    if (common_) check_common();
    for_tables("stage", [this](const toml::table& stage) { read_stage(stage); });
    for_tables("bar", [this](const toml::table& bar) { read_bar(bar); });
    if (recipe_.stages.empty()) throw InputError(fmt::format("{}: has no [[stage]]", where_));
    check_recipe(recipe_);
    return std::move(recipe_);
  }

 private:
  std::string line(const toml::node& node) const { return fmt::format("{}:{}", where_, node.source().begin.line); }
  std::string at(const toml::node& node, std::string_view key) const { return fmt::format("{}: {}", line(node), key); }
  [[noreturn]] void unknown(const toml::node& node, std::string_view key,
                            const std::vector<std::string_view>& known) const {
    throw InputError(
        fmt::format("{}: unknown key {}{}", line(node), io::printable(key), words::did_you_mean(key, known)));
  }
  std::string string(const toml::node& node, std::string_view key) const {
    if (!node.is_string()) throw InputError(fmt::format("{}: must be a string", at(node, key)));
    return node.as_string()->get();
  }
  const toml::table& table(const toml::node& node, std::string_view key) const {
    if (!node.is_table()) throw InputError(fmt::format("{}: must be a table", at(node, key)));
    return *node.as_table();
  }
  const toml::array& array(const toml::node& node, std::string_view key) const {
    if (!node.is_array()) throw InputError(fmt::format("{}: must be an array", at(node, key)));
    return *node.as_array();
  }
  template <class F>
  void for_tables(const char* key, const F& f) const {
    const toml::node* node = table_.get(key);
    if (!node) return;
    for (const toml::node& item : array(*node, key)) f(table(item, key));
  }
  /// A number or word as it would be written on the command line.
  std::string word(const toml::node& node, std::string_view key) const {
    if (node.is_string()) return node.as_string()->get();
    if (node.is_integer()) return std::to_string(node.as_integer()->get());
    if (node.is_floating_point()) return fmt::format("{}", node.as_floating_point()->get());
    if (node.is_boolean()) return node.as_boolean()->get() ? "on" : "off";
    throw InputError(fmt::format("{}: must be a word or a number", at(node, key)));
  }

  void check_common() const {
    const toml::node* quick = common_->get("quick");
    for (const toml::table* settings : {common_, quick ? &table(*quick, "quick") : nullptr}) {
      if (!settings) continue;
      for (const auto& [key, node] : *settings) {
        const std::string_view name = key;
        if (name != "quick" && !find_setting(name)) unknown(node, name, setting_names());
        refuse_of_whole_recipe(node, name);
        if (name == "model")
          throw InputError(fmt::format("{}: belongs into a stage, as in model = \"@STAGE\"", at(node, name)));
      }
    }
  }
  void refuse_of_whole_recipe(const toml::node& node, std::string_view name) const {
    if (is_among(name, kOfWholeRecipe))
      throw InputError(fmt::format("{}: is for the whole recipe: lacuna recipe run --{}", at(node, name), name));
  }
  static std::vector<std::string_view> setting_names() {
    std::vector<std::string_view> names;
    for (const Setting& setting : all_settings()) names.emplace_back(setting.name);
    return names;
  }

  /// The settings of one table that belong to the command. A common one that belongs to others is passed over.
  void add_settings(GivenValues& to, const toml::table& from, const RecipeKind& kind, const Variables& variables,
                    bool common) const {
    const std::vector<std::string_view> own = keys_of(kind);
    for (const auto& [key, node] : from) {
      const std::string_view name = key;
      if (!common) refuse_of_whole_recipe(node, name);
      if (!common && is_among(name, own)) continue;
      if (common && name == "quick") continue;
      const Setting* setting = find_setting(name);
      if (!setting || (setting->commands & kind.command) == 0) {
        if (common && setting) continue;
        std::vector<std::string_view> known = own;
        for (const Setting& other : all_settings())
          if (other.commands & kind.command) known.emplace_back(other.name);
        if (setting) throw InputError(fmt::format("{}: is no setting of a {} stage", at(node, name), kind.name));
        unknown(node, name, known);
      }
      const std::string where = at(node, name);
      to[std::string(name)] = {fill_in(config_value(*setting, node, where), variables, where), where};
    }
  }

  const toml::table* quick_of(const toml::table& from) const {
    const toml::node* node = from.get("quick");
    return node && quick_ ? &table(*node, "quick") : nullptr;
  }

  void read_stage(const toml::table& stage) {
    const toml::node *name = stage.get("name"), *kind_node = stage.get("kind");
    if (!name || !kind_node) throw InputError(fmt::format("{}: a stage needs a name and a kind", line(stage)));
    const std::string kind_name = string(*kind_node, "kind");
    const RecipeKind* kind = find_recipe_kind(kind_name);
    if (!kind) {
      std::vector<std::string_view> known;
      for (const RecipeKind& k : recipe_kinds()) known.emplace_back(k.name);
      throw InputError(fmt::format("{}: unknown stage {}{}", at(*kind_node, "kind"), io::printable(kind_name),
                                   words::did_you_mean(kind_name, known)));
    }
    const std::vector<Variables> each = variables_of(stage);
    const bool compares = kind_name == "compare";
    for (const Variables& variables : compares ? std::vector<Variables>{{}} : each) {
      RecipeStage one;
      one.where = line(stage);
      one.kind = kind_name;
      one.name = fill_in(string(*name, "name"), variables, at(*name, "name"));
      read_extras(one, stage, variables);
      const toml::node* quick_node = stage.get("quick");
      if (quick_node) read_quick_extras(one, table(*quick_node, "quick"), variables);
      if (common_) {
        add_settings(one.settings, *common_, *kind, {}, true);
        if (const auto* quick = quick_of(*common_)) add_settings(one.settings, *quick, *kind, {}, true);
        if (tests_classifier(one)) std::erase_if(one.settings, is_objective);
      }
      add_settings(one.settings, stage, *kind, variables, false);
      if (quick_node) {
        GivenValues unused;  // also what is not asked for must be right
        add_settings(quick_ ? one.settings : unused, table(*quick_node, "quick"), *kind, variables, false);
      }
      if (tests_classifier(one)) refuse_objective(one);
      if (compares) one.rows = each;
      recipe_.stages.push_back(std::move(one));
    }
  }

  /// `each`: all combinations of its lists; `rows`: a table for each row. Neither: one, without variables.
  std::vector<Variables> variables_of(const toml::table& stage) const {
    std::vector<Variables> all{{}};
    if (const toml::node* rows = stage.get("rows")) {
      all.clear();
      for (const toml::node& row : array(*rows, "rows")) {
        Variables& variables = all.emplace_back();
        for (const auto& [key, node] : table(row, "rows")) variables[std::string(key.str())] = word(node, key);
      }
    }
    const toml::node* each = stage.get("each");
    if (!each) return all;
    for (const auto& [key, list] : table(*each, "each")) {
      if (array(list, key).empty()) throw InputError(fmt::format("{}: must not be an empty list", at(list, key)));
      std::vector<Variables> more;
      for (const Variables& before : all)
        for (const toml::node& item : array(list, key)) {
          more.push_back(before);
          more.back()[std::string(key.str())] = word(item, key);
        }
      all = std::move(more);
    }
    return all;
  }

  static bool is_objective(const GivenValues::value_type& setting) {
    return std::string_view(find_setting(setting.first)->group) == "Objective";
  }
  /// An autoencoder's objective is none of a classifier's test.
  bool tests_classifier(const RecipeStage& one) const {
    return one.kind == "evaluate" && std::ranges::any_of(recipe_.stages, [&](const RecipeStage& stage) {
             return one.model == "@" + stage.name && stage.trains() && stage.kind != "pretrain";
           });
  }
  static void refuse_objective(const RecipeStage& one) {
    if (const auto found = std::ranges::find_if(one.settings, is_objective); found != one.settings.end())
      throw InputError(fmt::format("{}: is for autoencoders, and the model is a classifier", found->second.where));
  }

  void read_quick_extras(RecipeStage& one, const toml::table& quick, const Variables& variables) const {
    for (const auto& [key, node] : quick)
      if (is_among(key.str(), kNotQuick))
        throw InputError(fmt::format("{}: cannot be another one with --quick", at(node, key.str())));
    RecipeStage unused;  // also what is not asked for must be right
    read_extras(quick_ ? one : unused, quick, variables);
  }

  void read_extras(RecipeStage& one, const toml::table& stage, const Variables& variables) const {
    const auto text = [&](const char* key, std::string& to, bool filled = true) {
      if (const toml::node* node = stage.get(key))
        to = filled ? fill_in(string(*node, key), variables, at(*node, key)) : string(*node, key);
    };
    text("title", one.title);
    text("what", one.what);
    text("note", one.note);
    text("model", one.model);
    const auto flag = [&](const char* key, bool& to) {
      if (const toml::node* node = stage.get(key)) {
        if (!node->is_boolean()) throw InputError(fmt::format("{}: must be true or false", at(*node, key)));
        to = node->as_boolean()->get();
      }
    };
    flag("round", one.round);
    flag("bias-row", one.bias_row);
    const auto count = [&](const char* key, std::int64_t& to) {
      const toml::node* node = stage.get(key);
      if (!node) return;
      if (!node->is_integer() || node->as_integer()->get() < 1)
        throw InputError(fmt::format("{}: must be a whole number of at least 1", at(*node, key)));
      to = node->as_integer()->get();
    };
    count("units", one.units);
    count("samples", one.samples);
    if (const toml::node* columns = stage.get("columns"))
      for (const toml::node& column : array(*columns, "columns"))
        one.columns.push_back(read_column(table(column, "columns")));
  }

  RecipeColumn read_column(const toml::table& from) const {
    RecipeColumn column;
    column.where = line(from);
    for (const auto& [key, node] : from) {
      const std::string_view name = key;
      std::string* const to = name == "title"   ? &column.title
                              : name == "value" ? &column.value
                              : name == "stage" ? &column.stage
                              : name == "key"   ? &column.key
                              : name == "show"  ? &column.show
                                                : nullptr;
      if (!to) unknown(node, name, {"title", "value", "stage", "key", "show"});
      *to = string(node, name);
    }
    if (column.show.empty()) column.show = "number";
    return column;
  }

  void read_bar(const toml::table& from) {
    RecipeBar bar;
    bar.where = line(from);
    for (const auto& [key, node] : from) {
      const std::string_view name = key;
      if (name == "at-least" || name == "at-most") {
        if (!node.is_number()) throw InputError(fmt::format("{}: must be a number", at(node, name)));
        (name == "at-least" ? bar.at_least : bar.at_most) = *node.value<double>();
        continue;
      }
      std::string* const to = name == "title"   ? &bar.title
                              : name == "stage" ? &bar.stage
                              : name == "key"   ? &bar.key
                              : name == "show"  ? &bar.show
                              : name == "minus" ? &bar.minus_stage
                                                : nullptr;
      if (!to) unknown(node, name, {"title", "stage", "key", "show", "minus", "at-least", "at-most"});
      *to = string(node, name);
    }
    if (bar.show.empty()) bar.show = "number";
    recipe_.bars.push_back(std::move(bar));
  }

  std::string where_;
  bool quick_;
  toml::table table_;
  const toml::table* common_ = nullptr;
  Recipe recipe_;
};

}  // namespace

Recipe parse_recipe(const RecipeText& text, bool quick) {
  return Reader(text, quick).read();
}

RecipeText find_recipe(const std::string& name_or_file) {
  for (const RecipeText& recipe : recipe_texts())
    if (recipe.name == name_or_file) return recipe;
  if (name_or_file.ends_with(".toml")) {
    constexpr std::size_t kLargest = 1 << 20;
    const io::FileBytes file = io::read_file(name_or_file);
    if (file.size > kLargest) throw InputError(fmt::format("{}: too large for a recipe", name_or_file));
    return {std::filesystem::path(name_or_file).stem().string(),
            std::string(reinterpret_cast<const char*>(file.data), file.size), name_or_file};
  }
  std::vector<std::string_view> known;
  for (const RecipeText& recipe : recipe_texts()) known.emplace_back(recipe.name);
  throw InputError(fmt::format("there is no recipe named {}{}; lacuna recipe list names them, a file ends with .toml",
                               io::printable(name_or_file), words::did_you_mean(name_or_file, known)));
}

}  // namespace lacuna::cli
