"""The root cause of a failure, before its consequences: an ordered table of rules, of which the first that fits counts.

A browser says "no Access-Control-Allow-Origin" where a login page, a crashed application or another program answered.
To add that header would be no help. So what a status, a redirect or the network tells comes before what CORS tells.
"""

from corecors.cli import causes_before_cors as before
from corecors.cli import causes_in_cors as cors
from corecors.cli.case import Case, Cause, Rule
from corecors.cli.examination import Examination
from corecors.cli.servers import Software, recognised

# The order is the point: each rule may take for granted that none above it fits.
RULES: tuple[Rule, ...] = (
    before.the_page_asks_wrongly,
    before.browsers_do_not_go_there,
    before.a_redirect_that_ended_at_a_login,
    before.no_answer,
    before.too_many_requests,
    before.plain_http_at_a_tls_port,
    before.another_program,
    before.the_gateway_got_no_answer,
    before.the_server_failed,
    before.too_large,
    before.too_often,
    before.a_redirect_without_headers,
    before.a_redirect_that_is_not_followed,
    before.it_wants_a_login,
    before.there_is_no_such_address,
    before.another_error_without_headers,
    before.options_is_not_answered,
    cors.null_is_not_an_identity,
    cors.wildcard_with_credentials,
    cors.two_places_send_it,
    cors.another_origin_is_allowed,
    before.the_preflight_is_refused,
    cors.the_response_has_it_the_preflight_has_not,
    cors.the_preflight_has_it_the_response_has_not,
    cors.the_origin_is_not_on_the_list,
    cors.there_is_no_header,
    cors.credentials_are_not_allowed,
    cors.the_method_is_in_lower_case,
    cors.a_list_cannot_be_read,
    cors.only_by_the_standard,
    cors.the_preflight_does_not_list_it,
    cors.the_status_of_the_preflight,
    cors.what_no_rule_knows,
)


def find_cause(examination: Examination) -> Cause | None:
    """The root cause, None where nothing fails as far as was looked."""
    case = Case(examination)
    for rule in RULES:
        cause = rule(case)
        if cause is not None:
            return cause
    return None


def software_of(examination: Examination) -> Software | None:
    """The software that answered, where it can be told."""
    answers = [exchange.received for exchange in examination.verdict.exchanges]
    return recognised(answers if examination.plain is None else [*answers, examination.plain])
