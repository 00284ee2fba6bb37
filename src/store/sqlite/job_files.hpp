// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/sqlite/records.hpp"

namespace restante::store::sqlite {

template <class Enum>
std::int64_t number_of(Enum value) {
  return static_cast<std::int64_t>(value);
}

tl::unexpected<Error> no_such_job(JobId id);

/// The rows below a job: its files, and the digests of their partial files. A part of the job records.
class JobFiles {
public:
  explicit JobFiles(Connection& connection) : connection_(connection) {}

  Result<std::vector<jobs::FileRow>> files(JobId id);
  Result<void> save(JobId id, const jobs::FileRow& file);
  Result<Pieces> pieces(JobId id, int file, int generation);
  Result<void> save_pieces(JobId id, int file, int generation, const PieceReport& report);
  Result<void> erase_pieces(JobId id, int file, std::optional<int> generation);

private:
  Connection& connection_;

  Sql files_{
      "SELECT file, state, reason, name, media_type, size_bytes, source, generation, written_bytes, "
      "synced_bytes, "
      "boot_id, etag, last_modified, total_bytes, ranges, sha256, verified, published, relinked, "
      "wasted_bytes, "
      "old, apart, coalesce(sum = row_sum(job, file, state, reason, name, media_type, size_bytes, source, "
      "generation, "
      "written_bytes, synced_bytes, boot_id, etag, last_modified, total_bytes, ranges, sha256, verified, "
      "published, relinked, wasted_bytes, old, apart), 0) FROM job_files "
      "WHERE job = (SELECT seq FROM jobs WHERE id = ?) ORDER BY file"};
  Sql save_file_{
      "INSERT OR REPLACE INTO job_files (job, file, state, reason, name, media_type, size_bytes, source, "
      "generation, "
      "written_bytes, synced_bytes, boot_id, etag, last_modified, total_bytes, ranges, sha256, verified, "
      "published, relinked, wasted_bytes, old, apart, sum) "
      "SELECT seq, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, "
      "?20, ?21, ?22, row_sum(seq, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
      "?17, "
      "?18, "
      "?19, ?20, ?21, ?22) FROM jobs WHERE id = ?23"};
  Sql pieces_{
      "SELECT part, end_bytes, digests FROM job_pieces "
      "WHERE job = (SELECT seq FROM jobs WHERE id = ?) AND file = ? AND generation = ? ORDER BY part"};
  Sql part_{
      "SELECT digests FROM job_pieces "
      "WHERE job = (SELECT seq FROM jobs WHERE id = ?) AND file = ? AND generation = ? AND part = ?"};
  Sql erase_parts_{
      "DELETE FROM job_pieces "
      "WHERE job = (SELECT seq FROM jobs WHERE id = ?) AND file = ? AND generation = ? AND part >= ?"};
  Sql save_part_{
      "INSERT INTO job_pieces (job, file, generation, part, end_bytes, digests) "
      "SELECT seq, ?1, ?2, ?3, ?4, ?5 FROM jobs WHERE id = ?6"};
  Sql erase_pieces_{
      "DELETE FROM job_pieces WHERE job = (SELECT seq FROM jobs WHERE id = ?1) AND file = ?2 AND "
      "generation = ifnull(?3, generation)"};
};

}  // namespace restante::store::sqlite
