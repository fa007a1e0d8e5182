// SPDX-License-Identifier: Apache-2.0
// MP4 and WebM videos with libav. Smart pointers own all libav objects. The file has a temporary name until finish()
// has written it to disk completely.
#if defined(LUCID_WITH_VIDEO)
#include "lucid/asset/pictures/video.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "lucid/asset/pictures/animation_format.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/posix_io.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

namespace lucid::asset {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxSide = 16384;  // pixels
constexpr int kThreads = 2;      // fixed, because x264's output depends on the number of threads

struct Free {
  void operator()(AVCodecContext* x) const { avcodec_free_context(&x); }
  void operator()(AVFrame* x) const { av_frame_free(&x); }
  void operator()(AVPacket* x) const { av_packet_free(&x); }
  void operator()(SwsContext* x) const { sws_freeContext(x); }
  void operator()(AVFormatContext* x) const {
    if (x->pb != nullptr) avio_closep(&x->pb);
    avformat_free_context(x);
  }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

template <class T>
Owned<T> owned(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return Owned<T>(object);
}

/// libav's message for an error code.
std::string reason(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

/// Whether x264 would use AVX-512. That code (seen in r3095) is not deterministic if a side is no multiple of 16; its
/// AVX2 code is. The check is needed because "asm=AVX2" would enable AVX2 on processors without it.
bool has_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") != 0;  // which implies AVX2
#else
  return false;
#endif
}

const AVCodec* pick_encoder(bool webm, VideoCodec wanted) {
  const char* best = webm ? "libvpx-vp9" : "libx264";
  const AVCodec* encoder = wanted == VideoCodec::kBest ? avcodec_find_encoder_by_name(best) : nullptr;
  if (encoder == nullptr) encoder = avcodec_find_encoder(webm ? AV_CODEC_ID_VP8 : AV_CODEC_ID_MPEG4);
  if (encoder == nullptr) {
    throw UserError({.what_happened = fmt::format("this libavcodec has neither {}",
                                                  webm ? "a VP9 nor a VP8 encoder" : "an H.264 nor an MPEG-4 encoder"),
                     .hint = webm ? "install an ffmpeg with libvpx, or write another format"
                                  : "install an ffmpeg with libx264, or switch the videos off"});
  }
  return encoder;
}

}  // namespace

bool can_write_videos() { return true; }

struct VideoWriter::State {
  fs::path path, temporary;
  int width, height;  // of the frames given to add(); the video's are rounded up to even
  VideoOptions options;
  bool webm;
  bool finished = false;
  int64_t frames = 0;
  Owned<AVFormatContext> format;
  Owned<AVCodecContext> codec;
  Owned<SwsContext> to_yuv;
  Owned<AVFrame> yuv;  // with an alpha plane if transparent
  Owned<AVPacket> packet;
  AVStream* stream = nullptr;  // owned by format

  State(const fs::path& file, int w, int h, const VideoOptions& wanted);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  int check(int result) const;  // throws UserError for a libav error code, else returns `result`
  void open_encoder(const AVCodec* encoder);
  void set_quality(AVCodecID id);
  void open_file();
  void make_converter();
  void encode(const AVFrame* frame);  // nullptr = flush
};

VideoWriter::State::State(const fs::path& file, int w, int h, const VideoOptions& wanted)
    : path(file), width(w), height(h), options(wanted), webm(lower_extension(file) == ".webm") {
  temporary = temporary_name(path.parent_path() / ("film_" + path.filename().string()));  // not write_file_with()'s
}

VideoWriter::State::~State() {
  const bool was_opened = format != nullptr;
  format.reset();  // closes the file
  if (was_opened && !finished) ::unlink(temporary.c_str());
}

int VideoWriter::State::check(int result) const {
  if (result >= 0) return result;
  throw UserError({.what_happened = "cannot write the video: " + reason(result),
                   .file = path.string(),
                   .hint = result == AVERROR(ENOSPC) ? "free some disk space" : ""});
}

/// Visually lossless at a moderate size.
void VideoWriter::State::set_quality(AVCodecID id) {
  const auto set = [&](const char* option, const char* value) {
    check(av_opt_set(codec->priv_data, option, value, 0));
  };
  if (id == AV_CODEC_ID_H264) {
    // Looks like preset "medium" at crf 18, in half the time and at about the same file size.
    set("preset", "veryfast");
    set("crf", "17");
    if (has_avx512()) set("x264-params", "asm=AVX2");
  } else if (id == AV_CODEC_ID_MPEG4) {
    constexpr int kQuantiser = 2;  // range 1 (best) to 31
    codec->flags |= AV_CODEC_FLAG_QSCALE;
    codec->global_quality = FF_QP2LAMBDA * kQuantiser;
  } else {
    set("deadline", "good");
    set("cpu-used", "4");
    set("crf", id == AV_CODEC_ID_VP9 ? "22" : "8");
    // VP9 takes 0 as "quality alone decides". VP8 needs an upper bound, 2 bits a pixel.
    codec->bit_rate = id == AV_CODEC_ID_VP9 ? 0 : int64_t{2} * width * height * options.fps;
    if (options.transparent) set("auto-alt-ref", "0");  // libvpx's invisible frames would have no alpha
  }
}

void VideoWriter::State::open_encoder(const AVCodec* encoder) {
  codec = owned(avcodec_alloc_context3(encoder));
  codec->width = width + width % 2;  // 4:2:0 needs even sizes
  codec->height = height + height % 2;
  codec->pix_fmt = options.transparent ? AV_PIX_FMT_YUVA420P : AV_PIX_FMT_YUV420P;
  codec->time_base = {1, options.fps};
  codec->framerate = {options.fps, 1};
  codec->gop_size = options.fps;  // one key frame per second, so that seeking is fast
  codec->thread_count = kThreads;
  codec->flags |= AV_CODEC_FLAG_BITEXACT;
  // Tag the colour space explicitly; players otherwise guess it from the size.
  codec->colorspace = AVCOL_SPC_BT709;
  codec->color_primaries = AVCOL_PRI_BT709;
  codec->color_trc = AVCOL_TRC_BT709;
  codec->color_range = AVCOL_RANGE_MPEG;
  set_quality(encoder->id);
  if ((format->oformat->flags & AVFMT_GLOBALHEADER) != 0) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  check(avcodec_open2(codec.get(), encoder, nullptr));
}

void VideoWriter::State::open_file() {
  stream = avformat_new_stream(format.get(), nullptr);
  if (stream == nullptr) throw std::bad_alloc();
  stream->time_base = codec->time_base;
  stream->avg_frame_rate = codec->framerate;
  check(avcodec_parameters_from_context(stream->codecpar, codec.get()));
  int opened = AVERROR(EINTR);
  while (opened == AVERROR(EINTR)) opened = avio_open(&format->pb, temporary.c_str(), AVIO_FLAG_WRITE);
  check(opened);
  AVDictionary* muxer_options = nullptr;
  // The index first, so that a browser can play while loading.
  if (!webm) av_dict_set(&muxer_options, "movflags", "+faststart", 0);
  const int result = avformat_write_header(format.get(), &muxer_options);
  av_dict_free(&muxer_options);
  check(result);
}

void VideoWriter::State::make_converter() {
  const int w = codec->width, h = codec->height;
  to_yuv = owned(sws_getContext(w, h, options.transparent ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24, w, h, codec->pix_fmt,
                                SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT, nullptr, nullptr,
                                nullptr));
  constexpr int kUnit = 1 << 16;
  const int* rgb = sws_getCoefficients(SWS_CS_DEFAULT);
  sws_setColorspaceDetails(to_yuv.get(), rgb, 1, sws_getCoefficients(SWS_CS_ITU709), 0, 0, kUnit, kUnit);
  yuv = owned(av_frame_alloc());
  yuv->format = codec->pix_fmt;
  yuv->width = w;
  yuv->height = h;
  check(av_frame_get_buffer(yuv.get(), 0));
  packet = owned(av_packet_alloc());
}

void VideoWriter::State::encode(const AVFrame* frame) {
  check(avcodec_send_frame(codec.get(), frame));
  for (;;) {
    const int result = avcodec_receive_packet(codec.get(), packet.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    check(result);
    packet->stream_index = stream->index;
    packet->duration = 1;  // in units of time_base; without it the last frame would have no duration
    av_packet_rescale_ts(packet.get(), codec->time_base, stream->time_base);
    check(av_interleaved_write_frame(format.get(), packet.get()));
    check(format->pb->error);  // report a full disk at once
  }
}

VideoWriter::VideoWriter(const fs::path& file, int width, int height, const VideoOptions& options) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide || options.fps < 1 || options.fps > 1000) {
    throw UserError({.what_happened = fmt::format("cannot write a video of {} x {} pixels at {} frames a second", width,
                                                  height, options.fps),
                     .file = file.string()});
  }
  av_log_set_level(AV_LOG_ERROR);  // libav has only a global level
  auto state = std::make_unique<State>(file, width, height, options);
  LUCID_CHECK(!options.transparent || state->webm, "{}: only a WebM has transparent pixels", file.string());
  make_folder(file.parent_path());
  AVFormatContext* format = nullptr;
  state->check(
      avformat_alloc_output_context2(&format, nullptr, state->webm ? "webm" : "mp4", state->temporary.c_str()));
  state->format.reset(format);
  format->flags |= AVFMT_FLAG_BITEXACT;  // no dates or versions in the file: the same frames give the same bytes
  state->open_encoder(pick_encoder(state->webm, options.codec));
  state->open_file();
  state->make_converter();
  state_ = std::move(state);
}

VideoWriter::~VideoWriter() = default;

void VideoWriter::add(const torch::Tensor& frame) {
  State& s = *state_;
  LUCID_CHECK(!s.finished, "{}: a frame after finish()", s.path.string());
  const int channels = s.options.transparent ? 4 : 3;
  LUCID_CHECK(frame.dim() == 3 && frame.size(0) == channels && frame.size(1) == s.height && frame.size(2) == s.width,
              "{}: a frame that is not [{},{},{}]", s.path.string(), channels, s.height, s.width);
  const torch::NoGradGuard no_grad;
  torch::Tensor whole = frame.detach();
  if (s.width % 2 != 0 || s.height % 2 != 0) {
    whole = torch::replication_pad2d(whole, {0, s.width % 2, 0, s.height % 2});
  }
  const torch::Tensor pixels = to_bytes(whole);  // [H,W,channels]
  const uint8_t* planes[] = {pixels.data_ptr<uint8_t>(), nullptr, nullptr, nullptr};
  const int strides[] = {channels * s.codec->width, 0, 0, 0};
  s.check(av_frame_make_writable(s.yuv.get()));  // the encoder may still use the last frame
  s.check(sws_scale(s.to_yuv.get(), planes, strides, 0, s.codec->height, s.yuv->data, s.yuv->linesize));
  s.yuv->pts = s.frames++;
  if ((s.codec->flags & AV_CODEC_FLAG_QSCALE) != 0) s.yuv->quality = s.codec->global_quality;
  s.encode(s.yuv.get());
}

void VideoWriter::finish() {
  State& s = *state_;
  LUCID_CHECK(!s.finished, "{}: finish() twice", s.path.string());
  if (s.frames == 0) throw UserError({.what_happened = "a video needs at least one frame", .file = s.path.string()});
  s.encode(nullptr);
  s.check(av_write_trailer(s.format.get()));
  avio_flush(s.format->pb);
  s.check(s.format->pb->error);
  s.check(avio_closep(&s.format->pb));
  write_file_with(s.path, [&](const fs::path& whole) {  // this fsyncs `whole` and renames it to the final name
    if (repeated([&] { return ::rename(s.temporary.c_str(), whole.c_str()); }) != 0) s.check(AVERROR(errno));
  });
  s.finished = true;
}

}  // namespace lucid::asset
#endif  // LUCID_WITH_VIDEO
