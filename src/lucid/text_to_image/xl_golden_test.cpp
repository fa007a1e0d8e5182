// SPDX-License-Identifier: Apache-2.0
// Golden tests of SDXL (goldens/applications/sdxl): a tiny model as a folder and as single files, against diffusers;
// LoRA in both namings of kohya; textual inversions with two lists of vectors.
#include <gtest/gtest.h>
#include <zip.h>

#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/golden_test.h"
#include "lucid/text_to_image/lora.h"
#include "lucid/text_to_image/single_file.h"
#include "lucid/text_to_image/textual_inversion.h"
#include "lucid/text_to_image/weights_description.h"
#include "mistakes.h"

namespace lucid::text_to_image {
namespace {

namespace fs = std::filesystem;
using diffusion::test::Tensors;
using tensor::relative_error;

constexpr double kXlLimit = 1e-5;

fs::path sdxl() { return lucid::test::goldens() / "applications/sdxl"; }
fs::path xl_merges() { return lucid::test::source_dir() / "models/clip/merges.txt.gz"; }
weights::StateDict xl_golden(const std::string& name) {
  return weights::read_safetensors(sdxl() / (name + ".safetensors"));
}
Prior single_xl(const fs::path& file) { return load_single_file(file, {.merges = xl_merges(), .configs = sdxl()}); }

/// torch.save of {"state_dict": tensors}: a zip of a pickle (protocol 2, opcode by opcode) and of each tensor's bytes.
void write_torch_file(const fs::path& file, const Tensors& tensors) {
  const auto text = [](const std::string& s) { return "\x8c" + std::string(1, static_cast<char>(s.size())) + s; };
  const auto number = [](int64_t value) {
    std::string bytes = "\x8a\x08";
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff);
    return bytes;
  };
  const auto numbers = [&](at::IntArrayRef values) {
    std::string bytes = "(";
    for (const int64_t value : values) bytes += number(value);
    return bytes + "t";
  };
  std::string pickle = "\x80\x02}" + text("state_dict") + "}";
  std::vector<torch::Tensor> kept;  // their bytes must live until zip_close()
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor& stored = kept.emplace_back(tensor.contiguous());
    const char* type = stored.scalar_type() == torch::kHalf ? "HalfStorage" : "FloatStorage";
    pickle += text(name) + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + type + "\n" +
              text(std::to_string(kept.size() - 1)) + text("cpu") + number(stored.numel()) + "tQ" + number(0) +
              numbers(stored.sizes()) + numbers(stored.strides()) + "\x89" + "ccollections\nOrderedDict\n)RtRs";
  }
  pickle += "s.";
  int code = 0;
  zip_t* zip = zip_open(file.c_str(), ZIP_CREATE, &code);
  const auto add = [&](const std::string& entry, const void* bytes, size_t size) {
    const auto index = zip_file_add(zip, entry.c_str(), zip_source_buffer(zip, bytes, size, 0), 0);
    zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
  };
  add("archive/data.pkl", pickle.data(), pickle.size());
  for (size_t i = 0; i < kept.size(); ++i)
    add("archive/data/" + std::to_string(i), kept[i].data_ptr(), kept[i].nbytes());
  ASSERT_EQ(zip_close(zip), 0);
}

class XlGolden : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(sdxl())) GTEST_SKIP() << sdxl() << " is not there; LUCID_GOLDENS names a folder that has it";
    prior_ = load_prior(sdxl());
    forward_ = xl_golden("forward");
  }
  const torch::Tensor& operator[](const std::string& name) const { return forward_.tensors.at(name); }
  std::vector<std::string> prompts() const { return nlohmann::json::parse(forward_.metadata.at("prompts")); }
  /// The context [3,77,40] and the pooled texts [3,24] of the golden's prompts.
  std::pair<torch::Tensor, torch::Tensor> embedded(const Prior& prior) const {
    std::vector<torch::Tensor> contexts, pooled;
    for (const std::string& prompt : prompts()) {
      const PromptEmbedding both = embed_prompt(prior, prompt);
      contexts.push_back(both.context);
      pooled.push_back(both.vector.slice(1, 0, prior.unet->config().pooled_width()));
    }
    return {torch::cat(contexts), torch::cat(pooled)};
  }
  torch::Tensor unet_out(Prior& prior, const torch::Tensor& context, const torch::Tensor& vector) const {
    const torch::NoGradGuard no_grad;
    return prior.unet->forward(forward_.tensors.at("sample"), forward_.tensors.at("timestep"), context,
                               {.vector = vector});
  }
  torch::Tensor vector_of(const torch::Tensor& pooled) const {
    std::vector<torch::Tensor> rows;
    for (int64_t row = 0; row < pooled.size(0); ++row) {
      const torch::Tensor ids = forward_.tensors.at("time_ids")[row];
      rows.push_back(added_vector(pooled.slice(0, row, row + 1), ids[0].item<int64_t>(), ids[1].item<int64_t>(), 8));
    }
    return torch::cat(rows);
  }

  std::optional<Prior> prior_;
  weights::StateDict forward_;
};

TEST_F(XlGolden, TokensContextAndPooledAreDiffusers) {
  ASSERT_TRUE(prior_->second.has_value());
  const std::vector<std::string> texts = prompts();
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    EXPECT_TRUE(torch::equal(torch::tensor(prior_->tokenizer.encode_padded(texts[i])), (*this)["input_ids_1"][row]));
    EXPECT_TRUE(
        torch::equal(torch::tensor(prior_->second->tokenizer.encode_padded(texts[i])), (*this)["input_ids_2"][row]));
  }
  const auto [context, pooled] = embedded(*prior_);
  EXPECT_LT(relative_error(context, (*this)["context"]), kXlLimit);
  EXPECT_LT(relative_error(pooled, (*this)["pooled"]), kXlLimit);
}

TEST_F(XlGolden, TheVectorAndItsEmbeddingReachTheUNet) {
  std::map<std::string, torch::Tensor> seen;
  prior_->unet->on_activation = [&](const std::string& name, const torch::Tensor& x) { seen[name] = x; };
  const torch::Tensor context = (*this)["context"].slice(0, 0, 2), pooled = (*this)["pooled"].slice(0, 0, 2);
  // A golden's sizes may be no square without a crop; its own vector then stands for ours.
  const torch::Tensor ids = (*this)["time_ids"];
  std::vector<torch::Tensor> rows;
  for (int64_t row = 0; row < 2; ++row) {
    const torch::Tensor waves = diffusion::timestep_embedding(ids[row].to(torch::kLong), 8).view({1, -1});
    rows.push_back(torch::cat({pooled.slice(0, row, row + 1), waves}, 1));
  }
  EXPECT_LT(relative_error(torch::cat(rows), (*this)["vector"]), kXlLimit);
  EXPECT_LT(relative_error(unet_out(*prior_, context, (*this)["vector"]), (*this)["unet_out"]), kXlLimit);
  EXPECT_LT(relative_error(seen.at("add_embedding"), (*this)["vector_embedding"]), kXlLimit);
}

TEST_F(XlGolden, TheEmptyPromptIsZeros) {
  const PromptEmbedding empty = embed_prompt(*prior_, "");
  EXPECT_EQ(empty.context.abs().max().item<float>(), 0);
  EXPECT_EQ(empty.vector.slice(1, 0, 24).abs().max().item<float>(), 0);
  EXPECT_GT(empty.vector.slice(1, 24).abs().max().item<float>(), 0) << "the sizes stay";
  torch::Tensor vector = (*this)["vector"].clone();
  vector.slice(1, 0, 24).zero_();
  EXPECT_LT(relative_error(unet_out(*prior_, empty.context.expand({2, -1, -1}), vector), (*this)["unet_out_empty"]),
            kXlLimit);
  prior_->second->zeros_for_empty = false;
  EXPECT_GT(embed_prompt(*prior_, "").context.abs().max().item<float>(), 0);
}

TEST_F(XlGolden, LatentsAreDiffusers) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor images = weights::read_safetensors(sdxl() / "../common.safetensors").tensors.at("images");
  const torch::Tensor moments = prior_->vae->encode_moments(images.slice(0, 0, 1) * 2 - 1),
                      mean = moments.chunk(2, 1)[0];
  EXPECT_EQ(prior_->vae->config().scaling_factor, 0.13025);
  EXPECT_LT(relative_error(mean, (*this)["posterior_mean"]), kXlLimit);
  EXPECT_LT(
      relative_error(diffusion::sample_latents(moments, torch::zeros_like(mean), 0.13025), (*this)["scaled_latents"]),
      kXlLimit);
}

TEST_F(XlGolden, EveryLayoutGivesEqualBits) {
  const lucid::test::TemporaryFolder folder;
  const fs::path pickled = folder.path / "sdxl-tiny.pt";
  write_torch_file(pickled, xl_golden("sdxl-tiny").tensors);
  for (const fs::path& path : {sdxl() / "sdxl-tiny.safetensors", pickled}) {
    SCOPED_TRACE(path.string());
    Prior other = single_xl(path);
    EXPECT_EQ(other.picture_size, prior_->picture_size);
    EXPECT_EQ(other.vae->config().scaling_factor, prior_->vae->config().scaling_factor);
    const PromptEmbedding a = embed_prompt(*prior_, "a red car"), b = embed_prompt(other, "a red car");
    EXPECT_TRUE(torch::equal(a.context, b.context));
    EXPECT_TRUE(torch::equal(a.vector, b.vector));
    const torch::Tensor context = (*this)["context"].slice(0, 0, 2);
    EXPECT_TRUE(
        torch::equal(unet_out(*prior_, context, (*this)["vector"]), unet_out(other, context, (*this)["vector"])));
    const torch::NoGradGuard no_grad;
    torch::manual_seed(1);
    const torch::Tensor rgb = torch::rand({1, 3, 64, 64}), z = torch::randn({1, 4, 8, 8});
    EXPECT_TRUE(torch::equal(prior_->vae->encode_moments(rgb), other.vae->encode_moments(rgb)));
    EXPECT_TRUE(torch::equal(prior_->vae->decode(z), other.vae->decode(z)));
  }
}

TEST_F(XlGolden, SizesFollowFromShapes) {
  const weights::LdmParts parts = weights::split_ldm(xl_golden("sdxl-tiny"));
  EXPECT_TRUE(parts.xl);
  EXPECT_TRUE(parts.unknown.empty()) << parts.unknown.front();
  const diffusion::UNetConfig& unet = prior_->unet->config();
  const diffusion::UNetConfig found = unet_config_of(parts);
  EXPECT_EQ(found.block_out_channels, unet.block_out_channels);
  EXPECT_EQ(found.down_block_types, unet.down_block_types);
  EXPECT_EQ(found.up_block_types, unet.up_block_types);
  EXPECT_EQ(found.transformer_depths, unet.transformer_depths);
  EXPECT_EQ(found.vector_width, unet.vector_width);
  EXPECT_EQ(found.size_width, unet.size_width);
  EXPECT_EQ(found.use_linear_projection, unet.use_linear_projection);
  const text::EncoderConfig text = second_encoder_config_of(parts);
  EXPECT_EQ(text.layers, prior_->second->text.encoder->config().layers) << "all layers, the pooled text needs the last";
  EXPECT_EQ(text.activation, "gelu");
  EXPECT_EQ(encoder_config_of(parts).activation, "quick_gelu");
}

/// Mixes of prompts mix the vectors too, and a denoiser hands them to the network, whatever its workers.
TEST_F(XlGolden, ADenoiserMixesVectorsAsItMixesPrompts) {
  const ViewPrompts prompts = view_prompts(*prior_, "a cat", "ugly", "");
  const std::vector<Direction> views{{.azimuth = 45}, {.azimuth = 180}};
  const nn::PromptMix mix = prompts.mix(prompts.view_weights(views));
  ASSERT_EQ(mix.vectors.size(1), prior_->unet->config().vector_width);
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = (*this)["sample"], t = (*this)["timestep"];
  const torch::Tensor expected =
      prior_->unet->forward(x, t, mix.embeddings(), {.vector = torch::matmul(mix.weights, mix.vectors)});
  for (const int64_t workers : {1, 2}) {
    diffusion::UNetDenoiser denoiser(prior_->unet, {.workers = workers});
    EXPECT_LT(relative_error(denoiser.predict(x, t, mix), expected), kXlLimit) << workers;
  }
  EXPECT_GT(relative_error(prior_->unet->forward(x, t, mix.embeddings(),
                                                 {.vector = torch::zeros_like(mix.vectors.slice(0, 0, 2))}),
                           expected),
            0.001);
  // Two prompts in one table keep their vectors.
  ViewPrompts first = view_prompts(*prior_, "a cat", "", ""), second = view_prompts(*prior_, "a dog", "", "");
  const torch::Tensor alone = torch::matmul(second.view_weights(views), second.mix(second.view_weights(views)).vectors);
  ViewPrompts::share_table(first, second);
  const nn::PromptMix shared = second.mix(second.view_weights(views));
  EXPECT_LT(relative_error(torch::matmul(shared.weights, shared.vectors), alone), 1e-6);
}

TEST_F(XlGolden, LoraInBothNamingsIsKohyas) {
  const Tensors expected = xl_golden("lora.expected").tensors;
  for (const char* file : {"lora_kohya_sgm_names", "lora_kohya_diffusers_names"}) {
    for (const double scale : {1.0, 0.6}) {
      SCOPED_TRACE(fmt::format("{} at {}", file, scale));
      Prior prior = load_prior(sdxl());
      const Lora lora = read_lora(sdxl() / (std::string(file) + ".safetensors"), prior);
      EXPECT_EQ(lora.text_2.size(), 2u);
      apply_lora(lora, scale, prior);
      const std::string at = fmt::format("@{:.1f}", scale);
      const auto [context, pooled] = embedded(prior);
      EXPECT_LT(relative_error(context.slice(1, 0, 24), expected.at("context" + at)), kXlLimit);
      EXPECT_LT(relative_error(pooled, expected.at("pooled" + at)), kXlLimit);
      EXPECT_LT(relative_error(unet_out(prior, (*this)["context"].slice(0, 0, 2), (*this)["vector"]),
                               expected.at("unet_out" + at)),
                kXlLimit);
    }
  }
}

/// Every layer of an SDXL U-Net has a name in the sgm layout, and the file has a tensor of that name.
TEST_F(XlGolden, EveryLayerHasItsSgmName) {
  const weights::StateDict file = xl_golden("sdxl-tiny");
  for (const auto& item : prior_->unet->named_parameters()) {
    if (!item.key().ends_with(".weight")) continue;
    const std::vector<std::string> names = weights::sgm_names(item.key().substr(0, item.key().size() - 7), 2);
    EXPECT_TRUE(std::ranges::any_of(names, [&](const std::string& name) {
      return file.tensors.contains("model.diffusion_model." + name + ".weight");
    })) << item.key();
  }
  EXPECT_TRUE(weights::sgm_names("down_blocks.x.resnets.0.conv1", 2).empty());
  EXPECT_TRUE(weights::sgm_names("no.such", 2).empty());
}

TEST_F(XlGolden, ATextualInversionHasVectorsForBothEncoders) {
  const lucid::test::TemporaryFolder folder;
  const fs::path file = folder.path / "word.safetensors";
  torch::manual_seed(3);
  const torch::Tensor l = torch::randn({2, 16}), g = torch::randn({2, 24});
  weights::write_safetensors(file, {{"clip_l", l}, {"clip_g", g}});
  const std::vector<Inversion> words = read_inversions(file, "<thing>");
  ASSERT_EQ(words.size(), 1u);
  const torch::Tensor before = embed(*prior_, "a cat");
  add_inversion(words.front(), *prior_);
  EXPECT_TRUE(torch::equal(embed(*prior_, "a cat"), before));
  EXPECT_EQ(expand_tokens(*prior_, "a <thing>"), "a <thing> <thing>_1");
  const auto row = [](const text::Encoder& encoder, int64_t id) {
    return encoder->named_parameters()["text_model.embeddings.token_embedding.weight"][id];
  };
  const std::vector<int64_t> first = prior_->tokenizer.encode("<thing> <thing>_1"),
                             second = prior_->second->tokenizer.encode("<thing> <thing>_1");
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(torch::equal(row(prior_->encoder, first[static_cast<size_t>(i) + 1]), l[i]));
    EXPECT_TRUE(torch::equal(row(prior_->second->text.encoder, second[static_cast<size_t>(i) + 1]), g[i]));
  }
  // The new ids lie beyond the end token's; the pooled text is still read at the end token.
  const int64_t end = prior_->second->tokenizer.eos();
  const torch::Tensor ids = torch::tensor(prior_->second->tokenizer.encode_padded("<thing>")).unsqueeze(0);
  EXPECT_GT(ids.max().item<int64_t>(), end);
  const torch::NoGradGuard no_grad;
  text::Encoder encoder = prior_->second->text.encoder;
  const int64_t at = (ids[0] == end).nonzero()[0].item<int64_t>();
  EXPECT_LT(relative_error(prior_->second->text.penultimate_and_pooled(ids, end).second[0],
                           torch::mv(prior_->second->text.projection.to(torch::kFloat), encoder->forward(ids)[0][at])),
            kXlLimit);
}

TEST_F(XlGolden, AdaptersOfTheWrongFamilyNameBoth) {
  const lucid::test::TemporaryFolder folder;
  const fs::path file = folder.path / "a.safetensors";
  const auto said = [&](Prior& prior, const Tensors& tensors, bool is_lora) {
    weights::write_safetensors(file, tensors);
    return lucid::test::mistake_of([&] {
             if (is_lora) {
               read_lora(file, prior);
             } else {
               for (const Inversion& word : read_inversions(file)) add_inversion(word, prior);
             }
           })
        .what_happened;
  };
  Prior sd1 = load_prior(lucid::test::goldens() / "sd/tiny-sd1");
  const std::string key = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight";
  EXPECT_EQ(said(*prior_, {{key, torch::ones({4, 768})}}, true),
            "is a LoRA for Stable Diffusion 1.x, the prior is SDXL");
  EXPECT_EQ(said(*prior_, {{key, torch::ones({4, 1024})}}, true),
            "is a LoRA for Stable Diffusion 2.x, the prior is SDXL");
  EXPECT_EQ(said(sd1, {{key, torch::ones({4, 2048})}}, true), "is a LoRA for SDXL, the prior is Stable Diffusion 1.x");
  EXPECT_EQ(said(sd1, xl_golden("lora_kohya_sgm_names").tensors, true),
            "is a LoRA for SDXL, the prior is Stable Diffusion 1.x");
  EXPECT_EQ(said(*prior_, {{"<w>", torch::ones({1, 768})}}, false),
            "is a textual inversion for Stable Diffusion 1.x, the prior is SDXL");
  EXPECT_EQ(said(sd1, {{"clip_l", torch::ones({1, 768})}, {"clip_g", torch::ones({1, 1280})}}, false),
            "is a textual inversion for SDXL, the prior is Stable Diffusion 1.x");
}

TEST_F(XlGolden, ItIsDescribedByName) {
  EXPECT_EQ(model_name(*prior_), "SDXL, of sizes unlike the published ones");
  const WeightsDescription folder = describe_weights(sdxl()), file = describe_weights(sdxl() / "sdxl-tiny.safetensors"),
                           lora = describe_weights(sdxl() / "lora_kohya_sgm_names.safetensors");
  EXPECT_EQ(folder.what, "SDXL in diffusers layout");
  EXPECT_EQ(folder.files.size(), 4u);
  EXPECT_EQ(file.what, "SDXL checkpoint (single file), of sizes unlike the published ones");
  EXPECT_EQ(lora.what, "LoRA (kohya) for SDXL");
  for (const WeightsDescription* each : {&folder, &file, &lora}) EXPECT_NO_THROW(check_usable(*each));
}

/// Damaged and mistaken models: one message each, with the file, and never a crash.
TEST_F(XlGolden, HostileModelsAreRefused) {
  const lucid::test::TemporaryFolder folder;
  const weights::StateDict whole = xl_golden("sdxl-tiny");
  const fs::path file = folder.path / "m.safetensors";
  const auto said = [&](const std::function<void(Tensors&)>& spoil) {
    Tensors tensors = whole.tensors;
    spoil(tensors);
    weights::write_safetensors(file, tensors);
    const UserMistake mistake = lucid::test::mistake_of([&] { single_xl(file); });
    EXPECT_EQ(mistake.file, file.string()) << mistake.what_happened;
    return mistake.what_happened + ' ' + mistake.key;
  };
  const auto without = [&](const std::string& prefix) {
    return said([&](Tensors& tensors) {
      std::erase_if(tensors, [&](const auto& entry) { return entry.first.starts_with(prefix); });
    });
  };
  const auto holds = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  const std::string two = "conditioner.embedders.1.model.";
  EXPECT_PRED2(holds, without("conditioner.embedders.0."), "first text encoder");
  EXPECT_PRED2(holds, without(two + "text_projection"), "text_projection");
  EXPECT_PRED2(holds, without(two + "ln_final"), "final_layer_norm");
  EXPECT_PRED2(holds, without(two + "transformer.resblocks.1."), "encoder.layers.1");
  EXPECT_PRED2(holds, without("model.diffusion_model.label_emb."), "add_embedding");
  EXPECT_PRED2(holds, without("model.diffusion_model.input_blocks.7.1."), "down_blocks.2.attentions.0");
  EXPECT_PRED2(holds, without("first_stage_model."), "VAE");
  EXPECT_PRED2(holds, said([&](Tensors& t) {
                 t.at(two + "text_projection") = torch::ones({24, 7});
               }),
               "projection_class_embeddings_input_dim");
  EXPECT_PRED2(holds, said([&](Tensors& t) { t.at(two + "text_projection") = torch::ones({24}); }), "text_projection");
  EXPECT_PRED2(holds, said([&](Tensors& t) { t.at(two + "text_projection") = torch::full({24, 24}, NAN); }), "NaN");
  EXPECT_PRED2(holds, said([&](Tensors& t) {
                 t.at("model.diffusion_model.label_emb.0.0.weight") = torch::ones({64, 5});
               }),
               "add_embedding");
  EXPECT_PRED2(holds,
               said([&](Tensors& t) { t.emplace("conditioner.embedders.0.model.ln_final.weight", torch::ones({4})); }),
               "SDXL's refiner: not supported");
  // Without a config folder the sizes of this tiny model are not SDXL's.
  EXPECT_PRED2(holds, lucid::test::mistake_of([&] {
                        load_single_file(sdxl() / "sdxl-tiny.safetensors", {.merges = xl_merges()});
                      }).hint,
               "prior_config");

  const fs::path copy = folder.path / "folder";
  fs::copy(sdxl(), copy, fs::copy_options::recursive);
  for (const auto& entry : fs::recursive_directory_iterator(copy))
    fs::permissions(entry, fs::perms::owner_all, fs::perm_options::add);
  const auto folder_said = [&] {
    const UserMistake mistake = lucid::test::mistake_of([&] { load_prior(copy); });
    return mistake.what_happened + ' ' + mistake.file + ' ' + mistake.key;
  };
  const auto with = [&](const char* name, const std::string& from, const std::string& to) {
    const std::string before = read_file(copy / name);
    std::string after = before;
    const size_t at = after.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    write_file(copy / name, after.replace(at, from.size(), to));
    const std::string text = folder_said();
    write_file(copy / name, before);
    return text;
  };
  const char* unet = "unet/config.json";
  EXPECT_PRED2(holds, with(unet, "\"text_time\"", "\"text\""), "addition_embed_type");
  EXPECT_PRED2(holds, with(unet, "input_dim\": 72", "input_dim\": 48"), "projection_class_embeddings_input_dim");
  EXPECT_PRED2(holds, with(unet, "input_dim\": 72", "input_dim\": 74"), "add_embedding");
  EXPECT_PRED2(holds, with(unet, "embed_dim\": 8", "embed_dim\": 7"), "addition_time_embed_dim");
  EXPECT_PRED2(holds,
               with(unet, "\"transformer_layers_per_block\": [\n  1,", "\"transformer_layers_per_block\": [\n  1, 1,"),
               "transformer_layers_per_block");
  EXPECT_PRED2(holds,
               with(unet, "\"transformer_layers_per_block\": [\n  1,", "\"transformer_layers_per_block\": [\n  9999,"),
               "transformer_layers_per_block");
  EXPECT_PRED2(holds, with("model_index.json", "StableDiffusionXLPipeline", "StableDiffusionXLInpaintPipeline"),
               "inpainting");
  EXPECT_PRED2(holds, with("model_index.json", "prompt\": true", "prompt\": 3"), "force_zeros");
  fs::remove(copy / "tokenizer_2/merges.txt");
  EXPECT_PRED2(holds, folder_said(), "tokenizer_2/merges.txt");
  fs::copy(sdxl() / "tokenizer_2/merges.txt", copy / "tokenizer_2/merges.txt");
  fs::rename(copy / "text_encoder", copy / "elsewhere");
  EXPECT_PRED2(holds, folder_said(), "SDXL's refiner: not supported");
}

}  // namespace
}  // namespace lucid::text_to_image
