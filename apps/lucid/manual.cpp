// SPDX-License-Identifier: Apache-2.0
// The manual page: the help of every command, in the macros of man(7).
#include <fmt/format.h>

#include "completion.h"

namespace lucid::cli {
namespace {

/// Text in which troff sees no request and no hyphenation.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool begins_line = result.empty() || result.back() == '\n';
    if (begins_line && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

std::string section_of(const HelpPage& page) {
  std::string text = fmt::format(".SS {}\n{}\n", escaped(page.usage), escaped(page.about));
  for (const HelpSection& section : page.sections) {
    if (section.rows.empty() || section.heading == "Commands") continue;
    text += fmt::format(".PP\n{}:\n", escaped(section.heading));
    for (const HelpRow& row : section.rows)
      text += fmt::format(".TP\n.B {}\n{}\n", escaped(row.left), escaped(row.text));
  }
  return text;
}

}  // namespace

std::string manual_page(const CommandLine& line) {
  std::string text = ".TH LUCID 1 \"\" \"lucid " LUCID_VERSION
                     "\" \"User Commands\"\n"
                     ".SH NAME\nlucid \\- make a 3D asset from a sentence\n"
                     ".SH SYNOPSIS\n.B lucid\n.I COMMAND\n[\\fIOPTIONS\\fR]\n"
                     ".SH DESCRIPTION\n"
                     "lucid optimises 3D Gaussians so that their pictures please a text\\-to\\-image diffusion model.\n"
                     "It writes meshes, splats, pictures and videos, and shows assets in a browser.\n"
                     ".SH COMMANDS\n";
  for (const HelpPage& page : line.pages()) text += section_of(page);
  text +=
      ".SH FILES\n"
      ".TP\n.I output/NAME\nFolder of a run.\n"
      ".SH ENVIRONMENT\n"
      ".TP\n.B LUCID_DATA\nFolder of the program's data: models, configs and the page.\n"
      ".TP\n.B LUCID_TOKEN\nThe token of \\fBlucid serve\\fR.\n"
      ".SH EXIT STATUS\n"
      "0 for success, 2 for a mistake of the user, 70 for an internal error, 130 after Ctrl\\-C.\n"
      ".SH EXAMPLES\n.nf\n"
      "lucid generate \\(dqa hamburger\\(dq\n"
      "lucid serve\n"
      "lucid export output/a_hamburger/point_cloud/iteration_608/point_cloud.ply hamburger.glb\n"
      ".fi\n";
  return text;
}

}  // namespace lucid::cli
