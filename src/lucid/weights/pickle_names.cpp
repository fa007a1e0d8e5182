// SPDX-License-Identifier: Apache-2.0
// The list of known names. It holds what torch, NumPy, PyTorch Lightning and OmegaConf write into published
// checkpoints; each is a container of data. Names with a dot ("dict.get") and functions that call others are left out
// on purpose.
#include "lucid/weights/pickle_names.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "lucid/base/error.h"
#include "lucid/weights/error_messages.h"

namespace lucid::weights {
namespace {

struct KnownNames {
  std::string_view module;
  std::initializer_list<std::string_view> names;
};
// Python 2 calls its builtins __builtin__.
const KnownNames kKnown[] = {
    {"torch",
     {"FloatStorage",
      "HalfStorage",
      "BFloat16Storage",
      "DoubleStorage",
      "LongStorage",
      "IntStorage",
      "ShortStorage",
      "CharStorage",
      "ByteStorage",
      "BoolStorage",
      "ComplexFloatStorage",
      "ComplexDoubleStorage",
      "QInt8Storage",
      "QUInt8Storage",
      "QInt32Storage",
      "Size",
      "device",
      "Tensor",
      "dtype",
      "float32",
      "float16",
      "bfloat16",
      "float64",
      "int64",
      "int32",
      "int16",
      "int8",
      "uint8",
      "bool",
      "strided"}},
    {"torch._utils",
     {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_parameter_with_state",
      "_rebuild_device_tensor_from_numpy", "_rebuild_qtensor", "_rebuild_sparse_tensor"}},
    {"torch._tensor", {"_rebuild_from_type_v2"}},
    {"torch.nn.parameter", {"Parameter", "Buffer"}},
    {"torch.nn.modules.container", {"ParameterDict", "ParameterList"}},
    {"torch.serialization", {"_get_layout"}},
    {"torch.storage", {"UntypedStorage", "TypedStorage", "_load_from_bytes"}},
    {"torch.jit._pickle",
     {"build_intlist", "build_tensorlist", "build_doublelist", "build_boollist", "build_tensor_from_id",
      "restore_type_tag"}},
    {"torch.optim.lr_scheduler", {"LambdaLR", "CosineAnnealingLR", "StepLR"}},
    {"collections", {"OrderedDict", "defaultdict", "Counter"}},
    {"__builtin__",
     {"set", "frozenset", "dict", "list", "tuple", "int", "long", "float", "str", "unicode", "bool", "bytearray",
      "complex", "object", "slice"}},
    {"builtins",
     {"set", "frozenset", "dict", "list", "tuple", "int", "float", "str", "bytes", "bool", "bytearray", "complex",
      "object", "slice"}},
    {"copy_reg", {"_reconstructor"}},
    {"copyreg", {"_reconstructor"}},
    {"_codecs", {"encode"}},
    {"argparse", {"Namespace"}},
    {"typing", {"Any"}},
    {"pathlib", {"PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path"}},
    {"datetime", {"datetime", "date", "time", "timedelta"}},
    {"numpy", {"dtype", "ndarray"}},
    {"numpy.core.multiarray", {"scalar", "_reconstruct"}},
    {"numpy._core.multiarray", {"scalar", "_reconstruct"}},
    {"pytorch_lightning.callbacks", {"ModelCheckpoint"}},
    {"pytorch_lightning.callbacks.model_checkpoint", {"ModelCheckpoint"}},
    {"pytorch_lightning.callbacks.early_stopping", {"EarlyStopping"}},
    {"pytorch_lightning.utilities.parsing", {"AttributeDict"}},
    {"lightning.pytorch.callbacks.model_checkpoint", {"ModelCheckpoint"}},
    {"lightning_fabric.utilities.data", {"AttributeDict"}},
    {"omegaconf", {"DictConfig", "ListConfig"}},
    {"omegaconf.base", {"ContainerMetadata", "Metadata", "Node"}},
    {"omegaconf.dictconfig", {"DictConfig"}},
    {"omegaconf.listconfig", {"ListConfig"}},
    {"omegaconf.nodes", {"AnyNode", "StringNode", "IntegerNode", "FloatNode", "BooleanNode", "ValueNode", "EnumNode"}},
};
constexpr std::string_view kTorchScript = "__torch__";  // the module of classes that a TorchScript file itself defines

/// Whether `global`, "module name", is known.
bool is_known(std::string_view global) {
  const size_t space = global.find(' ');
  const std::string_view module = global.substr(0, space), name = global.substr(space + 1);
  if (module == kTorchScript || module.starts_with("__torch__.")) return true;
  return std::ranges::any_of(kKnown, [&](const KnownNames& known) {
    return known.module == module && std::ranges::find(known.names, name) != known.names.end();
  });
}

[[noreturn]] void refuse(const std::filesystem::path& file, const char* how, std::string name) {
  std::ranges::replace(name, ' ', '.');
  throw UserError({.what_happened = fmt::format("{} {}: not a weight file", how, shortened(name)),
                   .file = file.string(),
                   .hint = "nothing of it was run here; do not open it in a program that runs pickles"});
}

}  // namespace

void refuse_foreign_names(const std::filesystem::path& file, const Pickle& pickle) {
  for (Pickle::Id id = 0; id < pickle.size(); ++id) {
    const std::string_view callee = pickle.callee(id);
    if (!callee.empty() && !is_known(callee)) refuse(file, "calls", std::string(callee));
  }
  for (Pickle::Id id = 0; id < pickle.size(); ++id) {
    if (pickle[id].kind == Pickle::Kind::kGlobal && !is_known(pickle[id].text)) refuse(file, "names", pickle[id].text);
  }
}

}  // namespace lucid::weights
