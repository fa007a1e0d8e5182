// SPDX-License-Identifier: Apache-2.0
// MP4 videos with libav. Smart pointers own all libav objects. The file has a temporary name until finish() has written
// it to disk completely.
#if defined(LUCID_WITH_VIDEO)
#include "lucid/asset/video.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "lucid/asset/image.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

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

const AVCodec* pick_encoder(VideoCodec wanted) {
  const AVCodec* encoder = wanted == VideoCodec::kBest ? avcodec_find_encoder_by_name("libx264") : nullptr;
  if (encoder == nullptr) encoder = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
  if (encoder == nullptr) {
    throw UserError(UserMistake{.what_happened = "this libavcodec has neither an H.264 nor an MPEG-4 encoder",
                                .hint = "install an ffmpeg with libx264, or switch the videos off"});
  }
  return encoder;
}

}  // namespace

bool can_write_videos() { return true; }

struct VideoWriter::State {
  fs::path path, temporary;
  int width, height;  // of the frames given to add(); the video's are rounded up to even
  bool finished = false;
  int64_t frames = 0;
  Owned<AVFormatContext> format;
  Owned<AVCodecContext> codec;
  Owned<SwsContext> to_yuv;
  Owned<AVFrame> yuv;
  Owned<AVPacket> packet;
  AVStream* stream = nullptr;  // owned by format

  State(const fs::path& file, int w, int h);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  int check(int result) const;  // throws UserError for a libav error code, else returns `result`
  void open_encoder(const AVCodec* encoder, int fps);
  void open_file();
  void make_converter();
  void encode(const AVFrame* frame);  // nullptr = flush
};

VideoWriter::State::State(const fs::path& file, int w, int h) : path(file), width(w), height(h) {
  temporary = path;
  temporary.replace_filename(fmt::format(".{}.{}.film{}", path.stem().string(), ::getpid(), path.extension().string()));
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

void VideoWriter::State::open_encoder(const AVCodec* encoder, int fps) {
  codec = owned(avcodec_alloc_context3(encoder));
  codec->width = width + width % 2;  // 4:2:0 needs even sizes
  codec->height = height + height % 2;
  codec->pix_fmt = AV_PIX_FMT_YUV420P;
  codec->time_base = {1, fps};
  codec->framerate = {fps, 1};
  codec->gop_size = fps;  // one key frame per second, so that seeking is fast
  codec->thread_count = kThreads;
  codec->flags |= AV_CODEC_FLAG_BITEXACT;
  // Tag the colour space explicitly; players otherwise guess it from the size.
  codec->colorspace = AVCOL_SPC_BT709;
  codec->color_primaries = AVCOL_PRI_BT709;
  codec->color_trc = AVCOL_TRC_BT709;
  codec->color_range = AVCOL_RANGE_MPEG;
  if (encoder->id == AV_CODEC_ID_H264) {
    // Looks like preset "medium" at crf 18, in half the time and at about the same file size.
    check(av_opt_set(codec->priv_data, "preset", "veryfast", 0));
    check(av_opt_set(codec->priv_data, "crf", "17", 0));
    if (has_avx512()) check(av_opt_set(codec->priv_data, "x264-params", "asm=AVX2", 0));
  } else {
    constexpr int kQuantiser = 2;  // range 1 (best) to 31
    codec->flags |= AV_CODEC_FLAG_QSCALE;
    codec->global_quality = FF_QP2LAMBDA * kQuantiser;
  }
  if ((format->oformat->flags & AVFMT_GLOBALHEADER) != 0) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  check(avcodec_open2(codec.get(), encoder, nullptr));
}

void VideoWriter::State::open_file() {
  stream = avformat_new_stream(format.get(), nullptr);
  if (stream == nullptr) throw std::bad_alloc();
  stream->time_base = codec->time_base;
  stream->avg_frame_rate = codec->framerate;
  check(avcodec_parameters_from_context(stream->codecpar, codec.get()));
  check(avio_open(&format->pb, temporary.c_str(), AVIO_FLAG_WRITE));
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "+faststart", 0);  // index first, so that a browser can play while loading
  const int result = avformat_write_header(format.get(), &options);
  av_dict_free(&options);
  check(result);
}

void VideoWriter::State::make_converter() {
  const int w = codec->width, h = codec->height;
  to_yuv = owned(sws_getContext(w, h, AV_PIX_FMT_RGB24, w, h, AV_PIX_FMT_YUV420P,
                                SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT, nullptr, nullptr,
                                nullptr));
  constexpr int kUnit = 1 << 16;
  const int* rgb = sws_getCoefficients(SWS_CS_DEFAULT);
  sws_setColorspaceDetails(to_yuv.get(), rgb, 1, sws_getCoefficients(SWS_CS_ITU709), 0, 0, kUnit, kUnit);
  yuv = owned(av_frame_alloc());
  yuv->format = AV_PIX_FMT_YUV420P;
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

VideoWriter::VideoWriter(const fs::path& file, int width, int height, int fps, VideoCodec wanted) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide || fps < 1 || fps > 1000) {
    throw UserError({.what_happened = fmt::format("cannot write a video of {} x {} pixels at {} frames a second", width,
                                                  height, fps),
                     .file = file.string()});
  }
  av_log_set_level(AV_LOG_ERROR);  // libav has only a global level
  make_folder(file.parent_path());
  state_ = std::make_unique<State>(file, width, height);
  AVFormatContext* format = nullptr;
  state_->check(avformat_alloc_output_context2(&format, nullptr, "mp4", state_->temporary.c_str()));
  state_->format.reset(format);
  format->flags |= AVFMT_FLAG_BITEXACT;  // no dates or versions in the file: the same frames give the same bytes
  state_->open_encoder(pick_encoder(wanted), fps);
  state_->open_file();
  state_->make_converter();
}

VideoWriter::~VideoWriter() = default;

void VideoWriter::add(const torch::Tensor& frame) {
  State& s = *state_;
  LUCID_CHECK(!s.finished, "{}: a frame after finish()", s.path.string());
  LUCID_CHECK(frame.dim() == 3 && frame.size(0) == 3 && frame.size(1) == s.height && frame.size(2) == s.width,
              "{}: a frame that is not [3,{},{}]", s.path.string(), s.height, s.width);
  const torch::NoGradGuard no_grad;
  torch::Tensor whole = frame.detach();
  if (s.width % 2 != 0 || s.height % 2 != 0) {
    whole = torch::replication_pad2d(whole, {0, s.width % 2, 0, s.height % 2});
  }
  const torch::Tensor pixels = to_bytes(whole);  // [H,W,3]
  const uint8_t* planes[] = {pixels.data_ptr<uint8_t>(), nullptr, nullptr, nullptr};
  const int strides[] = {3 * s.codec->width, 0, 0, 0};
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
    if (::rename(s.temporary.c_str(), whole.c_str()) != 0) s.check(AVERROR(errno));
  });
  s.finished = true;
}

}  // namespace lucid::asset
#endif  // LUCID_WITH_VIDEO
