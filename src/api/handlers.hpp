// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/context.hpp"

// One function a route; the table in routes.cpp says on which loop each of them runs.
namespace restante::api {

// accounts_routes.cpp
Task<http::Response> enrol_device(Context& context, Call call);
Task<http::Response> connect_browser(Context& context, Call call);
Task<http::Response> list_devices(Context& context, Call call);
Task<http::Response> revoke_device(Context& context, Call call);
Task<http::Response> end_session(Context& context, Call call);
Task<http::Response> sign_in(Context& context, Call call);
Task<http::Response> show_session(Context& context, Call call);
Task<http::Response> sign_out(Context& context, Call call);
Task<http::Response> add_pairing(Context& context, Call call);
Task<http::Response> change_own_password(Context& context, Call call);

// login_routes.cpp
Task<http::Response> list_logins(Context& context, Call call);
Task<http::Response> add_login(Context& context, Call call);
Task<http::Response> remove_login(Context& context, Call call);

// token_routes.cpp
Task<http::Response> list_tokens(Context& context, Call call);
Task<http::Response> add_token(Context& context, Call call);
Task<http::Response> revoke_token(Context& context, Call call);

// user_routes.cpp
Task<http::Response> list_users(Context& context, Call call);
Task<http::Response> add_user(Context& context, Call call);
Task<http::Response> change_user(Context& context, Call call);
Task<http::Response> remove_user(Context& context, Call call);

// guest_routes.cpp
Task<http::Response> create_invite(Context& context, Call call);
Task<http::Response> list_invites(Context& context, Call call);
Task<http::Response> end_invite(Context& context, Call call);

// setup_routes.cpp
Task<http::Response> show_setup(Context& context, Call call);
Task<http::Response> set_up(Context& context, Call call);

// overview_routes.cpp
Task<http::Response> show_health(Context& context, Call call);
Task<http::Response> show_failures(Context& context, Call call);
Task<http::Response> show_week(Context& context, Call call);

// submit_routes.cpp
Task<http::Response> submit(Context& context, Call call);
Task<http::Response> show_proxy(Context& context, Call call);

// compose_routes.cpp
Task<http::Response> compose(Context& context, Call call);
Task<http::Response> probe(Context& context, Call call);

// browse_routes.cpp
Task<http::Response> browse(Context& context, Call call);

// share_routes.cpp
Task<http::Response> share(Context& context, Call call);

// job_routes.cpp
Task<http::Response> list_jobs(Context& context, Call call);
Task<http::Response> show_job(Context& context, Call call);
Task<http::Response> job_rates(Context& context, Call call);
Task<http::Response> change_job(Context& context, Call call);
Task<http::Response> remove_job(Context& context, Call call);
Task<http::Response> pause_job(Context& context, Call call);
Task<http::Response> resume_job(Context& context, Call call);
Task<http::Response> retry_job(Context& context, Call call);
Task<http::Response> run_job_now(Context& context, Call call);
Task<http::Response> cancel_job(Context& context, Call call);
Task<http::Response> approve_job(Context& context, Call call);
Task<http::Response> job_file(Context& context, Call call);

// event_routes.cpp
Task<http::Response> events(Context& context, Call call);

// file_routes.cpp
Task<http::Response> list_files(Context& context, Call call);
Task<http::Response> get_file(Context& context, Call call);  ///< HEAD too
Task<http::Response> change_file(Context& context, Call call);
Task<http::Response> remove_file(Context& context, Call call);

// folder_routes.cpp
Task<http::Response> make_folder(Context& context, Call call);
Task<http::Response> move_folder(Context& context, Call call);
Task<http::Response> remove_folder(Context& context, Call call);
Task<http::Response> list_trash(Context& context, Call call);
Task<http::Response> restore_file(Context& context, Call call);
Task<http::Response> erase_trashed(Context& context, Call call);
Task<http::Response> empty_trash(Context& context, Call call);

// contact_routes.cpp
Task<http::Response> list_contacts(Context& context, Call call);
Task<http::Response> add_contact(Context& context, Call call);
Task<http::Response> remove_contact(Context& context, Call call);
Task<http::Response> test_contact(Context& context, Call call);
Task<http::Response> change_contact_key(Context& context, Call call);
Task<http::Response> confirm_contact(Context& context, Call call);
Task<http::Response> confirm_page(Context& context, Call call);  ///< HEAD too
Task<http::Response> confirm_by_page(Context& context, Call call);
Task<http::Response> stop_page(Context& context, Call call);  ///< HEAD too
Task<http::Response> stop_by_page(Context& context, Call call);

// link_routes.cpp
Task<http::Response> create_link(Context& context, Call call);
Task<http::Response> list_links(Context& context, Call call);
Task<http::Response> show_link(Context& context, Call call);
Task<http::Response> revoke_link(Context& context, Call call);

// link_visits.cpp
Task<http::Response> visit_link(Context& context, Call call);  ///< HEAD too
Task<http::Response> answer_link(Context& context, Call call);

// place_routes.cpp
Task<http::Response> health(Context& context, Call call);
Task<http::Response> well_known(Context& context, Call call);
Task<http::Response> openapi(Context& context, Call call);
Task<http::Response> key_set(Context& context, Call call);         ///< HEAD too
Task<http::Response> signed_key_set(Context& context, Call call);  ///< HEAD too
Task<http::Response> show_place(Context& context, Call call);
Task<http::Response> nav204(Context& context, Call call);

// trust_routes.cpp
Task<http::Response> trust_page(Context& context, Call call);
Task<http::Response> trust_file(Context& context, Call call);

// app_files.cpp
Task<http::Response> app_page(Context& context, Call call);  ///< HEAD too
Task<http::Response> app_file(Context& context, Call call);  ///< HEAD too

}  // namespace restante::api
