// SPDX-License-Identifier: Apache-2.0
// Tests with invalid prompts and model folders: each gives an error that names the place, without a crash and in time.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"
#include "lucid/weights/state_dict.h"
#include "mistakes.h"

namespace lucid::text {
namespace {

using test::mistake_of;
namespace fs = std::filesystem;

fs::path mini() { return test::source_dir() / "models" / "mini"; }
Tokenizer mini_tokenizer() { return Tokenizer::from_folder(mini() / "tokenizer"); }

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A copy of a folder with one file replaced.
struct ModifiedCopy {
  test::TemporaryFolder folder;
  fs::path path = folder.path / "copy";
  ModifiedCopy(const fs::path& source, const std::string& file, const std::string& bytes) {
    fs::copy(source, path, fs::copy_options::recursive);
    write_file(path / file, bytes);
  }
};

TEST(Prompt, InvalidUtf8NamesTheByte) {
  const Tokenizer tokenizer = mini_tokenizer();
  const std::pair<std::string, const char*> cases[] = {
      {"a cat\xff", "byte 5"},          // never a byte of UTF-8
      {"\x80", "byte 0"},               // a continuation byte without a lead byte
      {"\xc3\xa9\xc3", "byte 2"},       // truncated
      {"a\xc0\xaf", "byte 1"},          // overlong
      {"a\xed\xa0\x80", "byte 1"},      // a surrogate
      {"ab\xf4\x90\x80\x80", "byte 2"}  // beyond U+10FFFF
  };
  for (const auto& [text, place] : cases) {
    for (const UserMistake& mistake :
         {mistake_of([&] { tokenizer.encode(text); }), mistake_of([&] { tokenizer.count(text); })}) {
      EXPECT_TRUE(holds(mistake.what_happened, place)) << mistake.what_happened;
      EXPECT_FALSE(mistake.hint.empty());
    }
  }
}

TEST(Prompt, HugeOnesAreQuickAndCut) {
  const Tokenizer tokenizer = mini_tokenizer();
  std::string words, marks = "a";
  for (int i = 0; i < 10000; ++i) words += "teddy bear ";
  for (int i = 0; i < 50000; ++i) marks += i % 2 == 0 ? "\u0301" : "\u0323";  // two classes: must be sorted
  const std::string letters(1000000, 'q'), bangs(1000000, '!');
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& text : {words, marks, letters, bangs}) {
    const auto ids = tokenizer.encode(text);
    ASSERT_EQ(ids.size(), 77U);
    EXPECT_EQ(ids.front(), tokenizer.bos());
    EXPECT_EQ(ids.back(), tokenizer.eos());
  }
  EXPECT_EQ(tokenizer.count(words), 20000);
  EXPECT_EQ(tokenizer.count(letters), 1000000);
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_LT(seconds, 10) << "quadratic time would take hours";
}

TEST(Prompt, OddOnesAreTokensToo) {
  const Tokenizer tokenizer = mini_tokenizer();
  EXPECT_EQ(tokenizer.count(""), 0);
  EXPECT_EQ(tokenizer.count(" \t\n\u00a0\u3000"), 0);
  EXPECT_EQ(tokenizer.count(std::string("\0", 1)), 1);
  EXPECT_EQ(tokenizer.encode("  A   Hamburger "), tokenizer.encode("a hamburger"));
  EXPECT_EQ(tokenizer.encode("e\u0301"), tokenizer.encode("\u00e9"));  // NFC
  EXPECT_EQ(tokenizer.encode("\u0130"), tokenizer.encode("i\u0307"));
  EXPECT_EQ(tokenizer.encode("\u03a3\u03a3"), tokenizer.encode("\u03c3\u03c3"));  // no final sigma
  EXPECT_EQ(tokenizer.encode("a cat", 3),
            (std::vector<int64_t>{tokenizer.bos(), tokenizer.encode("a")[1], tokenizer.eos()}));
  EXPECT_EQ(tokenizer.encode("a cat", 2), (std::vector<int64_t>{tokenizer.bos(), tokenizer.eos()}));
  EXPECT_EQ(tokenizer.encode_padded("cat", 9).size(), 9U);
  EXPECT_EQ(tokenizer.encode_padded("cat", 9).back(), tokenizer.pad());
}

TEST(TokenizerFolder, WordsOfTheEmbeddedPriorAreSingleTokens) {
  const Tokenizer tokenizer = mini_tokenizer();
  EXPECT_EQ(tokenizer.bos(), 1430);
  EXPECT_EQ(tokenizer.eos(), 1431);
  EXPECT_EQ(tokenizer.pad(), 1431);
  for (const char* word : {"hamburger", "teddy", "bear", "side", "view"}) {
    const int64_t id = tokenizer.whole_word_id(word);
    ASSERT_GE(id, 0) << word;
    EXPECT_EQ(tokenizer.encode(word), (std::vector<int64_t>{1430, id, 1431})) << word;
  }
  EXPECT_EQ(tokenizer.whole_word_id("quixotry"), -1);
  EXPECT_EQ(tokenizer.whole_word_id("Ã"), -1);                 // a character of two bytes, not the spelling of one
  EXPECT_GE(tokenizer.whole_word_id(std::string("\xc3")), 0);  // the byte 0xC3 itself is a token
}

TEST(TokenizerFolder, MissingAndIllFormedFilesAreNamed) {
  const fs::path good = mini() / "tokenizer";
  struct Case {
    const char *file, *bytes, *says;
  };
  const Case cases[] = {
      {"vocab.json", "", "not valid JSON"},
      {"vocab.json", "[]", "not a JSON object"},
      {"vocab.json", "{}", "no tokens"},
      {"vocab.json", "{\"a\":-1}", "whole number"},
      {"vocab.json", "{\"a\":1.5}", "whole number"},
      {"vocab.json", "{\"a\":99999999999}", "whole number"},
      {"vocab.json", "{\"a\":\"1\"}", "whole number"},
      {"vocab.json", "{\"a\":1}", "not in the vocabulary"},
      {"vocab.json", "{\"\xff\":1}", "not valid JSON"},
      {"merges.txt", "", "no merges"},
      {"merges.txt", "#version: 0.2\n", "no merges"},
      {"merges.txt", "#version: 0.2\nab\n", "two tokens"},
      {"merges.txt", "#version: 0.2\na b c\n", "two tokens"},
      {"merges.txt", "#version: 0.2\n a\n", "two tokens"},
      {"merges.txt", "#version: 0.2\na nosuchtoken\n", "vocab.json lacks"},
      {"tokenizer_config.json", "{", "not valid JSON"},
      {"special_tokens_map.json", "3", "not a JSON object"},
      {"special_tokens_map.json", "{\"pad_token\":3}", "spelling"},
      {"special_tokens_map.json", "{\"pad_token\":\"\"}", "spelling"},
      {"special_tokens_map.json", "{\"eos_token\":{\"content\":\"<|endoftext|>\",\"normalized\":1}}", "normalized"},
  };
  for (const Case& spoil : cases) {
    SCOPED_TRACE(fmt::format("{}: {}", spoil.file, spoil.bytes));
    const ModifiedCopy copy(good, spoil.file, spoil.bytes);
    const UserMistake mistake = mistake_of([&] { Tokenizer::from_folder(copy.path); });
    EXPECT_EQ(mistake.file, (copy.path / spoil.file).string());
    EXPECT_TRUE(holds(mistake.what_happened, spoil.says)) << mistake.what_happened;
  }
  for (const char* file : {"vocab.json", "merges.txt"}) {
    const ModifiedCopy copy(good, file, "");
    fs::remove(copy.path / file);
    EXPECT_EQ(mistake_of([&] { Tokenizer::from_folder(copy.path); }).file, (copy.path / file).string());
  }
  const ModifiedCopy bad_line(good, "merges.txt", "#version: 0.2\nb a\noops\n");
  EXPECT_EQ(mistake_of([&] { Tokenizer::from_folder(bad_line.path); }).line, 3);
}

TEST(TokenizerFolder, PadTokenDecidesTheConvention) {
  const fs::path good = mini() / "tokenizer";
  const ModifiedCopy sd2(good, "special_tokens_map.json",
                         R"({"bos_token":{"content":"<|startoftext|>","normalized":true},)"
                         R"("eos_token":{"content":"<|endoftext|>","normalized":true},)"
                         R"("unk_token":{"content":"<|endoftext|>","normalized":true},"pad_token":"!"})");
  const Tokenizer tokenizer = Tokenizer::from_folder(sd2.path);
  EXPECT_EQ(tokenizer.pad(), 0);
  EXPECT_EQ(tokenizer.encode("!!"), (std::vector<int64_t>{1430, 0, 0, 1431}));
  EXPECT_EQ(tokenizer.encode("<|EndOfText|>"), (std::vector<int64_t>{1430, 1431, 1431}));
  fs::remove(sd2.path / "special_tokens_map.json");  // the other file says `<|endoftext|>`
  EXPECT_EQ(Tokenizer::from_folder(sd2.path).pad(), 1431);
  fs::remove(sd2.path / "tokenizer_config.json");  // so does the default without any file
  EXPECT_EQ(Tokenizer::from_folder(sd2.path).pad(), 1431);
}

TEST(EncoderFolder, IllFormedConfigsAreNamed) {
  struct Case {
    const char *json, *key;
  };
  const Case cases[] = {{R"({"hidden_size":-1})", "hidden_size"},
                        {R"({"hidden_size":"128"})", "hidden_size"},
                        {R"({"num_hidden_layers":18446744073709551615})", "num_hidden_layers"},
                        {R"({"num_attention_heads":3,"hidden_size":128})", "num_attention_heads"},
                        {R"({"hidden_act":"relu"})", "hidden_act"},
                        {R"({"hidden_act":3})", "hidden_act"},
                        {R"({"layer_norm_eps":"x"})", "layer_norm_eps"},
                        {R"([])", ""}};
  for (const Case& spoil : cases) {
    SCOPED_TRACE(spoil.json);
    const ModifiedCopy copy(mini() / "text_encoder", "config.json", spoil.json);
    const UserMistake mistake = mistake_of([&] { load_encoder(copy.path); });
    EXPECT_EQ(mistake.file, (copy.path / "config.json").string());
    EXPECT_EQ(mistake.key, spoil.key);
  }
}

TEST(EncoderFolder, WeightsThatDoNotFitTheConfigAreRefused) {
  const char* huge = R"({"hidden_size":65536,"vocab_size":4000000,"intermediate_size":65536,"num_hidden_layers":256})";
  const ModifiedCopy too_big(mini() / "text_encoder", "config.json", huge);
  EXPECT_TRUE(holds(mistake_of([&] { load_encoder(too_big.path); }).what_happened, "its config.json asks for"));
  const char* deeper =
      R"({"hidden_size":128,"vocab_size":757,"intermediate_size":512,"num_hidden_layers":4,"num_attention_heads":4})";
  const ModifiedCopy other(mini() / "text_encoder", "config.json", deeper);
  EXPECT_TRUE(holds(mistake_of([&] { load_encoder(other.path); }).what_happened, "text_model.encoder.layers.3"));
}

TEST(EncoderFolder, NamesWithAndWithoutPrefixAndPositionIdsAreAccepted) {
  const ModifiedCopy copy(mini() / "text_encoder", "model.safetensors", "");
  std::map<std::string, torch::Tensor> prefixed{{"text_model.embeddings.position_ids", torch::arange(77)}};
  const Encoder plain = load_encoder(mini() / "text_encoder");
  for (const auto& entry : plain->named_parameters()) prefixed[entry.key()] = entry.value().detach();
  weights::write_safetensors(copy.path / "model.safetensors", prefixed);
  const Encoder again = load_encoder(copy.path);
  for (const auto& entry : plain->named_parameters()) {
    EXPECT_TRUE(entry.key().starts_with("text_model.")) << entry.key();
    EXPECT_TRUE(again->named_parameters()[entry.key()].equal(entry.value())) << entry.key();
  }
}

TEST(EncoderFolder, WeightsInHalfAreComputedInFloat) {
  const ModifiedCopy copy(mini() / "text_encoder", "model.safetensors", "");
  Encoder plain = load_encoder(mini() / "text_encoder");
  std::map<std::string, torch::Tensor> halves;
  for (const auto& entry : plain->named_parameters()) halves[entry.key()] = entry.value().detach().to(torch::kHalf);
  weights::write_safetensors(copy.path / "model.safetensors", halves);
  Encoder low = load_encoder(copy.path);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : plain->parameters()) parameter.copy_(parameter.to(torch::kHalf));
  const torch::Tensor ids = torch::arange(8).unsqueeze(0);
  EXPECT_EQ(low->forward(ids).scalar_type(), torch::kFloat);
  EXPECT_TRUE(torch::allclose(low->forward(ids), plain->forward(ids), 1e-6, 1e-6));
}

TEST(Encoder, LaterTokensDoNotReachEarlierPositionsAndGradientsFlow) {
  torch::manual_seed(1);
  const EncoderConfig config{
      .vocab_size = 11, .hidden_size = 8, .intermediate_size = 12, .layers = 2, .heads = 2, .positions = 6};
  Encoder encoder(config);
  const torch::Tensor a = torch::tensor({{1, 2, 3, 4, 5}}), b = torch::tensor({{1, 2, 3, 9, 9}});
  const torch::Tensor x = encoder(a), y = encoder(b);
  EXPECT_LT((x - y).slice(1, 0, 3).abs().max().item<double>(), 1e-6);
  EXPECT_GT((x - y).slice(1, 3).abs().max().item<double>(), 1e-3);
  (x * torch::randn_like(x)).sum().backward();  // a trainer can use it
  for (const auto& entry : encoder->named_parameters()) {
    EXPECT_TRUE(entry.value().grad().defined()) << entry.key();
  }
  EXPECT_TRUE(holds(mistake_of([&] { encoder(torch::tensor({{11}})); }).what_happened, "token 11"));
}

}  // namespace
}  // namespace lucid::text
