// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/job_files.hpp"

#include <algorithm>

namespace restante::store::sqlite {
namespace {

using jobs::FileRow;
using jobs::FileState;

constexpr int file_state_count = static_cast<int>(FileState::failed) + 1;
constexpr int sound_column = 22;             ///< whether the sum is right
constexpr std::uint64_t pieces_a_part = 64;  ///< of a row of job_pieces: 256 MiB of content in 1 KiB

FileRow file_row(Query& row) {
  FileRow file;
  file.index = static_cast<int>(row.number_at(0));
  file.state = enum_at<FileState>(row, 1, file_state_count);
  file.reason = reason_at(row, 2);
  file.name = row.text_at(3);
  file.media_type = row.text_at(4);
  file.size_bytes = optional_number_at<std::uint64_t>(row, 5);
  file.source = static_cast<int>(row.number_at(6));
  file.generation = static_cast<int>(row.number_at(7));
  file.checkpoint.written_bytes = static_cast<std::uint64_t>(row.number_at(8));
  file.checkpoint.synced_bytes = static_cast<std::uint64_t>(row.number_at(9));
  file.checkpoint.boot_id = row.text_at(10);
  file.checkpoint.etag = row.text_at(11);
  file.checkpoint.last_modified = row.text_at(12);
  file.checkpoint.total_bytes = optional_number_at<std::uint64_t>(row, 13);
  file.checkpoint.ranges = row.number_at(14) != 0;
  file.checkpoint.relinked = row.number_at(18) != 0;
  file.wasted_bytes = static_cast<std::uint64_t>(row.number_at(19));
  file.old = old_from(row.text_at(20));
  file.checkpoint.apart = apart_from(row.text_at(21));
  file.sha256 = row.text_at(15);
  file.verified = row.number_at(16) != 0;
  if (!row.is_null(17)) row.blob_at(17, file.published.emplace().bytes.data(), sizeof(FileId::bytes));
  return file;
}

}  // namespace

tl::unexpected<Error> no_such_job(JobId id) {
  return fail(Reason::not_found, "there is no job " + id.text());
}

Result<std::vector<FileRow>> JobFiles::files(JobId id) {
  return attempt(connection_, [&]() -> Result<std::vector<FileRow>> {
    std::vector<FileRow> rows;
    Query query(connection_, files_);
    query.blob(id.bytes.data(), id.bytes.size());
    while (query.step()) {
      if (query.number_at(sound_column) == 0)
        return fail(Reason::storage, "a file's record of job " + id.text() + " is damaged on the disk",
                    "cancel the download and send it once more");
      rows.push_back(file_row(query));
    }
    return rows;
  });
}

Result<void> JobFiles::save(JobId id, const FileRow& file) {
  return attempt(connection_, [&]() -> Result<void> {
    const std::string old = old_to_column(file.old);
    const std::string apart = apart_to_column(file.checkpoint.apart);
    Query query(connection_, save_file_);
    query.number(file.index).number(number_of(file.state));
    bind_reason(query, file.reason)
        .text_or_null(file.name)
        .text_or_null(file.media_type)
        .number(file.size_bytes)
        .number(file.source)
        .number(file.generation)
        .number(static_cast<std::int64_t>(file.checkpoint.written_bytes))
        .number(static_cast<std::int64_t>(file.checkpoint.synced_bytes))
        .text_or_null(file.checkpoint.boot_id)
        .text_or_null(file.checkpoint.etag)
        .text_or_null(file.checkpoint.last_modified)
        .number(file.checkpoint.total_bytes)
        .number(file.checkpoint.ranges)
        .text_or_null(file.sha256)
        .number(file.verified);
    if (file.published)
      query.blob(file.published->bytes.data(), file.published->bytes.size());
    else
      query.null();
    query.number(file.checkpoint.relinked)
        .number(static_cast<std::int64_t>(file.wasted_bytes))
        .text_or_null(old)
        .text_or_null(apart)
        .blob(id.bytes.data(), id.bytes.size())
        .run();
    if (connection_.db().getChanges() == 0) return no_such_job(id);
    return {};
  });
}

Result<Pieces> JobFiles::pieces(JobId id, int file, int generation) {
  return attempt(connection_, [&]() -> Result<Pieces> {
    Pieces out;
    Query query(connection_, pieces_);
    query.blob(id.bytes.data(), id.bytes.size()).number(file).number(generation);
    while (query.step()) {
      PieceReport part;
      part.first = static_cast<std::uint64_t>(query.number_at(0)) * pieces_a_part;
      part.end_bytes = static_cast<std::uint64_t>(query.number_at(1));
      part.digests = query.text_at(2);
      if (!add(out, part)) break;  // what follows is of no use without it
    }
    return out;
  });
}

Result<void> JobFiles::save_pieces(JobId id, int file, int generation, const PieceReport& report) {
  return attempt(connection_, [&]() -> Result<void> {
    if (!fits(report)) return {};
    std::uint64_t part = report.first / pieces_a_part;
    Pieces from_part;  // counted from the first piece of the first part
    if (const std::uint64_t before = report.first % pieces_a_part; before > 0) {
      Query query(connection_, part_);
      query.blob(id.bytes.data(), id.bytes.size()).number(file).number(generation);
      if (query.number(static_cast<std::int64_t>(part)).step()) from_part.digests = query.text_at(0);
      if (from_part.count() < before) return {};
      from_part.digests.resize(before * piece_digest_bytes);
    }
    {
      Query query(connection_, erase_parts_);
      query.blob(id.bytes.data(), id.bytes.size()).number(file).number(generation);
      query.number(static_cast<std::int64_t>(part)).run();
    }
    from_part.digests += report.digests;
    constexpr std::size_t whole = pieces_a_part * piece_digest_bytes;
    for (std::size_t at = 0; at < from_part.digests.size(); at += whole, ++part) {
      const std::string digests = from_part.digests.substr(at, whole);
      const std::uint64_t end = std::min(report.end_bytes, (part + 1) * pieces_a_part * piece_bytes);
      Query query(connection_, save_part_);
      query.number(file)
          .number(generation)
          .number(static_cast<std::int64_t>(part))
          .number(static_cast<std::int64_t>(end))
          .blob(digests.data(), digests.size())
          .blob(id.bytes.data(), id.bytes.size())
          .run();
    }
    return {};
  });
}

Result<void> JobFiles::erase_pieces(JobId id, int file, std::optional<int> generation) {
  return attempt(connection_, [&]() -> Result<void> {
    Query query(connection_, erase_pieces_);
    query.blob(id.bytes.data(), id.bytes.size()).number(file).number(generation).run();
    return {};
  });
}

}  // namespace restante::store::sqlite
