"""Keys that are not the catalogue's but well known: what each begins with, and who published that.

One row a shape. The expressions are our own; the source beside each says where its form is public:
the vendor's page, or a rule of a public scanner by its name (gitleaks, trufflehog, kingfisher,
GitHub's list of secret-scanning patterns). Forms that bear no mark, such as 32 hexadecimal digits
or a UUID, are not here: they are found behind their names and as exact values.
"""

from dataclasses import dataclass, replace
from typing import Final

WORD: Final = "[A-Za-z0-9_-]"
ALNUM: Final = "[A-Za-z0-9]"
HEX: Final = "[0-9a-fA-F]"
UPPER: Final = "[A-Z0-9]"
DOTTED: Final = "[A-Za-z0-9_.-]"
BASE64: Final = "[A-Za-z0-9+/_=-]"


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of key: `prefix`, which may stay in a text, and what follows it."""

    name: str
    prefix: str
    body: str
    """The class of characters that follow."""
    least: int
    """How many of them a whole key has at least."""
    published: str
    cut: bool = True
    """Whether the prefix tells enough for a key that was cut short to be struck too."""
    named: bool = False
    """Whether names begin so too: then a part between hyphens must be random by itself."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A kind of key whose mark stands inside it, or behind what is random."""

    name: str
    before: str
    """What precedes the mark, as an expression that is matched backwards within 128 bytes."""
    mark: str
    """The mark: an expression with few matches in harmless text."""
    after: str
    published: str


_ROWS: Final = (
    # Cloud
    Shape("aws access key", "AKIA", "[A-Z2-7]", 16, "gitleaks: aws-access-token", cut=False),
    Shape("aws session key", "ASIA", "[A-Z2-7]", 16, "gitleaks: aws-access-token", cut=False),
    Shape("aws bearer", "ABIA", "[A-Z2-7]", 16, "gitleaks: aws-access-token", cut=False),
    Shape("aws context", "ACCA", "[A-Z2-7]", 16, "gitleaks: aws-access-token", cut=False),
    Shape(
        "aws bedrock",
        "ABSK",
        BASE64,
        100,
        "gitleaks: aws-amazon-bedrock-api-key-long-lived",
        cut=False,
    ),
    Shape(
        "aws bedrock, short",
        "bedrock-api-key-",
        BASE64,
        28,
        "gitleaks: aws-amazon-bedrock-api-key-short-lived",
    ),
    Shape("aws session", "IQoJb3JpZ2luX2Vj", BASE64, 100, "trufflehog: awssessionkeys"),
    Shape("aws session, old", "FwoGZXIvYXdz", BASE64, 100, "trufflehog: awssessionkeys"),
    Shape("aws session, older", "FQoGZXIvYXdz", BASE64, 100, "trufflehog: awssessionkeys"),
    Shape(
        "amazon login", "amzn1.oa2-cs.v1.", HEX, 64, "developer-docs.amazon.com: Login with Amazon"
    ),
    Shape("amazon access", "Atza|", WORD, 100, "developer-docs.amazon.com: Login with Amazon"),
    Shape("amazon refresh", "Atzr|", WORD, 100, "developer-docs.amazon.com: Login with Amazon"),
    Shape("amazon mws", "amzn.mws.", "[0-9a-f-]", 36, "trufflehog: mws"),
    Shape("alibaba", "LTAI", ALNUM, 12, "gitleaks: alibaba-access-key-id", cut=False),
    Shape("tencent", "AKID", ALNUM, 32, "trufflehog: tencent", cut=False),
    Shape("google oauth secret", "GOCSPX-", WORD, 28, "GitHub: google_oauth_client_secret"),
    Shape("google oauth access", "ya29.", WORD, 20, "GitHub: google_oauth_access_token"),
    Shape(
        "google oauth refresh", "1//0", WORD, 30, "GitHub: google_oauth_refresh_token", cut=False
    ),
    Shape(
        "google cloud storage",
        "GOOG1E",
        UPPER,
        55,
        "GitHub: google_cloud_storage_access_key",
        cut=False,
    ),
    Shape("digitalocean", "dop_v1_", HEX, 64, "gitleaks: digitalocean-pat"),
    Shape("digitalocean oauth", "doo_v1_", HEX, 64, "gitleaks: digitalocean-access-token"),
    Shape("digitalocean refresh", "dor_v1_", HEX, 64, "gitleaks: digitalocean-refresh-token"),
    Shape("heroku", "HRKU-", WORD, 36, "gitleaks: heroku-api-key-v2"),
    Shape("heroku, first", "HRKU-", "[0-9a-f-]", 36, "devcenter.heroku.com: platform API"),
    Shape("fly", "fo1_", WORD, 43, "gitleaks: flyio-access-token"),
    Shape("fly machine a", "fm1a_", BASE64, 100, "gitleaks: flyio-access-token"),
    Shape("fly machine r", "fm1r_", BASE64, 100, "gitleaks: flyio-access-token"),
    Shape("fly machine 2", "fm2_", BASE64, 100, "gitleaks: flyio-access-token"),
    Shape(
        "cloudflare origin",
        "v1.0-",
        "[0-9a-f-]",
        171,
        "gitleaks: cloudflare-origin-ca-key",
        cut=False,
    ),
    Shape("cloudflare user", "cfut_", ALNUM, 32, "kingfisher: cloudflare"),
    Shape("cloudflare account", "cfat_", ALNUM, 32, "kingfisher: cloudflare"),
    Shape("cloudflare key", "cfk_", ALNUM, 32, "kingfisher: cloudflare"),
    Shape("yandex", "AQVN", WORD, 35, "gitleaks: yandex-api-key", cut=False),
    Shape("yandex iam", "t1.9eu", DOTTED, 86, "gitleaks: yandex-access-token"),
    Shape("yandex iam, other", "t1.", DOTTED, 88, "gitleaks: yandex-access-token", cut=False),
    Shape("yandex oauth", "y0_", WORD, 50, "yandex.cloud/docs: OAuth token", cut=False, named=True),
    Shape("infisical", "st.", "[0-9a-f.-]", 80, "infisical.com/docs: service tokens", cut=False),
    Shape("scaleway", "SCW", UPPER, 17, "GitHub: scaleway", cut=False),
    Shape("scalingo", "tk-us-", WORD, 48, "gitleaks: scalingo-api-token"),
    Shape("pulumi", "pul-", "[0-9a-f]", 40, "gitleaks: pulumi-api-token", cut=False),
    Shape("vault service", "hvs.", WORD, 24, "gitleaks: vault-service-token"),
    Shape("vault batch", "hvb.", WORD, 60, "gitleaks: vault-batch-token"),
    Shape("vault recovery", "hvr.", WORD, 24, "kingfisher: hashicorp"),
    Shape("doppler personal", "dp.pt.", ALNUM, 40, "gitleaks: doppler-api-token"),
    Shape("doppler service", "dp.st.", DOTTED, 40, "trufflehog: doppler"),
    Shape("doppler cli", "dp.ct.", ALNUM, 40, "trufflehog: doppler"),
    Shape("doppler account", "dp.sa.", ALNUM, 40, "trufflehog: doppler"),
    Shape("doppler identity", "dp.said.", ALNUM, 40, "docs.doppler.com: token formats"),
    Shape("doppler scim", "dp.scim.", ALNUM, 40, "trufflehog: doppler"),
    Shape("doppler audit", "dp.audit.", ALNUM, 40, "trufflehog: doppler"),
    Shape("1password account", "ops_eyJ", BASE64, 100, "gitleaks: 1password-service-account-token"),
    Shape("1password secret", "A3-", "[A-Z0-9-]", 32, "gitleaks: 1password-secret-key", cut=False),
    Shape("age", "AGE-SECRET-KEY-1", UPPER, 58, "gitleaks: age-secret-key"),
    Shape("tailscale", "tskey-", WORD, 20, "tailscale.com/kb/1277/key-prefixes"),
    Shape("netlify", "nfp_", ALNUM, 36, "kingfisher: netlify"),
    Shape("netlify oauth", "nfo_", ALNUM, 36, "GitHub: netlify"),
    Shape("netlify ui", "nfu_", ALNUM, 36, "GitHub: netlify"),
    Shape("vercel", "vcp_", WORD, 24, "vercel.com/docs: token prefixes"),
    Shape("vercel app", "vca_", WORD, 24, "vercel.com/docs: token prefixes"),
    Shape("vercel integration", "vci_", WORD, 24, "vercel.com/docs: token prefixes"),
    Shape("vercel key", "vck_", WORD, 24, "vercel.com/docs: AI gateway"),
    Shape("render", "rnd_", ALNUM, 28, "kingfisher: render"),
    Shape("supabase", "sbp_", HEX, 40, "trufflehog: supabasetoken"),
    Shape("supabase secret", "sb_secret_", WORD, 22, "supabase.com/docs/guides/api/api-keys"),
    Shape("railway", "rw_Fe26.2**", "[A-Za-z0-9_.*-]", 20, "trufflehog: railwayapp"),
    Shape("civo", "civo_", ALNUM, 40, "kingfisher: civo"),
    # Version control
    Shape("gitlab", "glpat-", DOTTED, 20, "gitleaks: gitlab-pat"),
    Shape("gitlab deploy", "gldt-", WORD, 20, "gitleaks: gitlab-deploy-token"),
    Shape("gitlab runner", "glrt-", DOTTED, 20, "gitleaks: gitlab-runner-authentication-token"),
    Shape("gitlab runner registration", "glrtr-", DOTTED, 20, "docs.gitlab.com: token prefixes"),
    Shape("gitlab old runner", "GR1348941", WORD, 20, "gitleaks: gitlab-rrt"),
    Shape("gitlab job", "glcbt-", WORD, 20, "gitleaks: gitlab-cicd-job-token"),
    Shape("gitlab trigger", "glptt-", WORD, 20, "gitleaks: gitlab-ptt"),
    Shape("gitlab feed", "glft-", WORD, 20, "gitleaks: gitlab-feed-token"),
    Shape("gitlab mail", "glimt-", WORD, 20, "gitleaks: gitlab-incoming-mail-token"),
    Shape("gitlab agent", "glagent-", WORD, 40, "gitleaks: gitlab-kubernetes-agent-token"),
    Shape("gitlab oauth", "gloas-", WORD, 40, "gitleaks: gitlab-oauth-app-secret"),
    Shape("gitlab scim", "glsoat-", WORD, 20, "gitleaks: gitlab-scim-token"),
    Shape("gitlab flags", "glffct-", WORD, 20, "gitleaks: gitlab-feature-flag-client-token"),
    Shape("gitlab workspaces", "glwt-", WORD, 20, "docs.gitlab.com: token prefixes"),
    Shape("bitbucket", "ATBB", ALNUM, 24, "GitHub: atlassian bitbucket app password", cut=False),
    Shape("bitbucket data center", "BBDC-", BASE64, 40, "trufflehog: bitbucketdatacenter"),
    Shape("bitbucket repository", "ATCTT3", BASE64, 60, "GitHub: bitbucket repository token"),
    Shape("atlassian", "ATATT3", BASE64, 60, "gitleaks: atlassian-api-token"),
    Shape("atlassian admin", "ATSTT3", BASE64, 60, "GitHub: atlassian"),
    Shape("sourcegraph", "sgp_", WORD, 40, "gitleaks: sourcegraph-access-token"),
    Shape("sourcegraph licence", "slk_", HEX, 64, "trufflehog: sourcegraph"),
    Shape("sourcegraph gateway", "sgd_", HEX, 64, "trufflehog: sourcegraphcody"),
    # Package registries
    Shape("npm", "npm_", ALNUM, 36, "gitleaks: npm-access-token"),
    Shape("pypi", "pypi-AgE", WORD, 50, "gitleaks: pypi-upload-token"),
    Shape("pypi test", "pypi-AgENdGVzdC5weXBpLm9yZ", WORD, 50, "trufflehog: pypi"),
    Shape("rubygems", "rubygems_", HEX, 48, "gitleaks: rubygems-api-token"),
    Shape("crates.io", "cio", ALNUM, 32, "GitHub: cratesio_api_token", cut=False),
    Shape("clojars", "CLOJARS_", ALNUM, 60, "gitleaks: clojars-api-token"),
    Shape("nuget", "oy2", "[a-z0-9]", 43, "GitHub: nuget_api_key", cut=False),
    Shape("docker", "dckr_pat_", WORD, 27, "GitHub: docker_personal_access_token"),
    Shape("docker organisation", "dckr_oat_", WORD, 27, "GitHub: docker_organization_access_token"),
    Shape("docker swarm", "SWMTKN-1-", WORD, 50, "kingfisher: docker"),
    Shape("artifactory", "AKCp", ALNUM, 65, "gitleaks: artifactory-api-key", cut=False),
    Shape(
        "artifactory reference",
        "cmVmd",
        ALNUM,
        59,
        "gitleaks: artifactory-reference-token",
        cut=False,
    ),
    Shape("packagist", "packagist_", "[A-Za-z0-9_]", 40, "GitHub: packagist"),
    Shape("cloudsmith", "csa_", ALNUM, 40, "GitHub: cloudsmith"),
    # Chat
    Shape("slack bot", "xoxb-", WORD, 20, "gitleaks: slack-bot-token"),
    Shape("slack user", "xoxp-", WORD, 20, "gitleaks: slack-user-token"),
    Shape("slack workspace", "xoxa-", WORD, 8, "gitleaks: slack-legacy-workspace-token"),
    Shape("slack workspace, second", "xoxa-2-", WORD, 8, "gitleaks: slack-legacy-workspace-token"),
    Shape("slack refresh", "xoxr-", WORD, 8, "gitleaks: slack-legacy-workspace-token"),
    Shape("slack legacy", "xoxs-", WORD, 20, "gitleaks: slack-legacy-token"),
    Shape("slack legacy, other", "xoxo-", WORD, 20, "gitleaks: slack-legacy-token"),
    Shape("slack configuration", "xoxe-", WORD, 20, "gitleaks: slack-config-refresh-token"),
    Shape(
        "slack configuration access", "xoxe.xox", DOTTED, 20, "gitleaks: slack-config-access-token"
    ),
    Shape("slack browser", "xoxc-", WORD, 20, "kingfisher: slack"),
    Shape("slack cookie", "xoxd-", "[A-Za-z0-9_%+/=-]", 20, "kingfisher: slack"),
    Shape("slack app", "xapp-", WORD, 20, "gitleaks: slack-app-token"),
    Shape("slack workflow", "xwfp-", WORD, 20, "api.slack.com/authentication/token-types"),
    Shape(
        "slack webhook",
        "hooks.slack.com/services/",
        "[A-Za-z0-9+/]",
        40,
        "gitleaks: slack-webhook-url",
    ),
    Shape(
        "slack workflow hook",
        "hooks.slack.com/workflows/",
        "[A-Za-z0-9+/]",
        40,
        "gitleaks: slack-webhook-url",
    ),
    Shape(
        "slack trigger",
        "hooks.slack.com/triggers/",
        "[A-Za-z0-9+/]",
        40,
        "gitleaks: slack-webhook-url",
    ),
    Shape(
        "discord webhook",
        "discord.com/api/webhooks/",
        "[A-Za-z0-9_/-]",
        60,
        "trufflehog: discordwebhook",
    ),
    Shape(
        "discord old webhook",
        "discordapp.com/api/webhooks/",
        "[A-Za-z0-9_/-]",
        60,
        "trufflehog: discordwebhook",
    ),
    Shape(
        "teams webhook",
        "webhook.office.com/webhookb2/",
        "[A-Za-z0-9@/-]",
        60,
        "gitleaks: microsoft-teams-webhook",
    ),
    Shape(
        "google chat",
        "chat.googleapis.com/v1/spaces/",
        "[A-Za-z0-9_/?=&%-]",
        60,
        "kingfisher: google chat",
    ),
    Shape(
        "zapier hook",
        "hooks.zapier.com/hooks/catch/",
        "[A-Za-z0-9/]",
        12,
        "trufflehog: zapierwebhook",
    ),
    Shape("twilio key", "SK", "[0-9a-f]", 32, "gitleaks: twilio-api-key", cut=False),
    Shape("intercom", "dG9rO", BASE64, 40, "trufflehog: intercom", cut=False),
    Shape("onesignal app", "os_v2_app_", ALNUM, 40, "documentation.onesignal.com: keys and ids"),
    Shape(
        "onesignal organisation",
        "os_v2_org_",
        ALNUM,
        40,
        "documentation.onesignal.com: keys and ids",
    ),
    Shape("telnyx", "KEY0", "[A-F0-9]", 28, "trufflehog: telnyx", cut=False),
    # Payment and shops
    Shape("square", "EAAA", WORD, 56, "gitleaks: square-access-token", cut=False),
    Shape("square personal", "sq0atp-", WORD, 22, "gitleaks: square-access-token"),
    Shape("square secret", "sq0csp-", WORD, 43, "GitHub: square_production_application_secret"),
    Shape("square sandbox", "sandbox-sq0csb-", WORD, 40, "kingfisher: square"),
    Shape("paypal access", "A21AA", WORD, 80, "kingfisher: paypal", cut=False),
    Shape("braintree", "access_token$production$", "[a-z0-9$]", 48, "trufflehog: braintree"),
    Shape("braintree sandbox", "access_token$sandbox$", "[a-z0-9$]", 48, "trufflehog: braintree"),
    Shape("adyen", "AQE", "[A-Za-z0-9+/=-]", 60, "GitHub: adyen", cut=False),
    Shape("razorpay", "rzp_live_", ALNUM, 14, "trufflehog: razorpay"),
    Shape("razorpay test", "rzp_test_", ALNUM, 14, "trufflehog: razorpay"),
    Shape("plaid", "access-production-", "[0-9a-f-]", 36, "gitleaks: plaid-api-token", cut=False),
    Shape(
        "plaid sandbox", "access-sandbox-", "[0-9a-f-]", 36, "gitleaks: plaid-api-token", cut=False
    ),
    Shape(
        "plaid development",
        "access-development-",
        "[0-9a-f-]",
        36,
        "gitleaks: plaid-api-token",
        cut=False,
    ),
    Shape("flutterwave", "FLWSECK-", WORD, 32, "trufflehog: flutterwave"),
    Shape("flutterwave test", "FLWSECK_TEST-", WORD, 12, "gitleaks: flutterwave-secret-key"),
    Shape("mollie, gocardless", "live_", WORD, 30, "trufflehog: mollie, gocardless", cut=False),
    Shape("mollie test, lob", "test_", ALNUM, 30, "trufflehog: mollie; gitleaks: lob", cut=False),
    Shape("shopify", "shpat_", HEX, 32, "gitleaks: shopify-access-token"),
    Shape("shopify custom", "shpca_", HEX, 32, "gitleaks: shopify-custom-access-token"),
    Shape("shopify private", "shppa_", HEX, 32, "gitleaks: shopify-private-app-access-token"),
    Shape("shopify secret", "shpss_", HEX, 32, "gitleaks: shopify-shared-secret"),
    Shape("shopify delegated", "shptka_", HEX, 32, "GitHub: shopify"),
    Shape("shopify user", "shpua_", HEX, 32, "GitHub: shopify"),
    Shape("duffel", "duffel_live_", BASE64, 43, "gitleaks: duffel-api-token"),
    Shape("duffel test", "duffel_test_", BASE64, 43, "gitleaks: duffel-api-token"),
    Shape(
        "stripe organisation",
        "sk_org_",
        "[A-Za-z0-9_]",
        20,
        "docs.stripe.com: organization keys",
    ),
    Shape("stripe ephemeral", "ek_live_", BASE64, 40, "docs.stripe.com/issuing: ephemeral keys"),
    Shape(
        "stripe ephemeral test", "ek_test_", BASE64, 40, "docs.stripe.com/issuing: ephemeral keys"
    ),
    Shape("woocommerce", "ck_", "[0-9a-f]", 40, "woocommerce.github.io: REST API", cut=False),
    Shape(
        "woocommerce secret", "cs_", "[0-9a-f]", 40, "woocommerce.github.io: REST API", cut=False
    ),
    Shape("easypost", "EZAK", ALNUM, 54, "gitleaks: easypost-api-token", cut=False),
    Shape("easypost test", "EZTK", ALNUM, 54, "gitleaks: easypost-test-api-token", cut=False),
    Shape("shippo", "shippo_live_", HEX, 40, "gitleaks: shippo-api-token"),
    Shape("shippo test", "shippo_test_", HEX, 40, "gitleaks: shippo-api-token"),
    Shape("checkout.com", "sk_sbox_", ALNUM, 24, "GitHub: checkout_test_secret_key"),
    Shape("paddle", "pdl_live_apikey_", "[A-Za-z0-9_]", 48, "developer.paddle.com: API keys"),
    Shape(
        "paddle sandbox", "pdl_sdbx_apikey_", "[A-Za-z0-9_]", 48, "developer.paddle.com: API keys"
    ),
    Shape(
        "polar",
        "polar_",
        "[A-Za-z0-9_]",
        32,
        "docs.polar.sh: organization access tokens",
        cut=False,
        named=True,
    ),
    Shape("mercado pago", "APP_USR-", WORD, 40, "trufflehog: mercadopago"),
    Shape("klarna", "klarna_live_api_", BASE64, 40, "docs.klarna.com: API keys"),
    Shape("klarna test", "klarna_test_api_", BASE64, 40, "docs.klarna.com: API keys"),
    Shape("xendit", "xnd_production_", ALNUM, 40, "docs.xendit.co: API keys"),
    Shape("xendit test", "xnd_development_", ALNUM, 40, "docs.xendit.co: API keys"),
    Shape("midtrans", "Mid-server-", WORD, 22, "docs.midtrans.com: access keys"),
    Shape("revolut", "oa_prod_", WORD, 40, "GitHub: revolut"),
    Shape("revolut sandbox", "oa_sand_", WORD, 40, "GitHub: revolut"),
    # Mail
    Shape("sendgrid", "SG.", DOTTED, 40, "gitleaks: sendgrid-api-token", cut=False),
    Shape("mailgun", "key-", "[0-9a-z]", 32, "gitleaks: mailgun-private-api-token", cut=False),
    Shape("mandrill", "md-", WORD, 22, "GitHub: mailchimp mandrill", cut=False),
    Shape("brevo", "xkeysib-", WORD, 64, "gitleaks: sendinblue-api-token"),
    Shape("brevo smtp", "xsmtpsib-", WORD, 64, "GitHub: sendinblue_smtp_key"),
    Shape("mailersend", "mlsn.", ALNUM, 60, "kingfisher: mailersend"),
    Shape("fastmail", "fmu1-", WORD, 32, "kingfisher: fastmail"),
    Shape("klaviyo", "pk_", "[0-9a-f]", 34, "trufflehog: klaviyo", cut=False),
    # Continuous integration
    Shape("circleci", "CCIPAT_", WORD, 40, "GitHub: circleci_personal_access_token"),
    Shape("circleci project", "CCIPRJ_", WORD, 40, "GitHub: circleci"),
    Shape("buildkite", "bkua_", "[a-z0-9]", 40, "GitHub: buildkite"),
    Shape("buildkite agent", "bkct_", WORD, 40, "GitHub: buildkite"),
    Shape("buildkite agent access", "bkaa_", WORD, 40, "GitHub: buildkite", cut=False),
    Shape("buildkite agent registration", "bkar_", WORD, 40, "GitHub: buildkite", cut=False),
    Shape("buildkite portal", "bkpt_", WORD, 40, "GitHub: buildkite", cut=False),
    Shape("buildkite portal secret", "bkps_", WORD, 40, "GitHub: buildkite", cut=False),
    Shape("buildkite job", "bkaj_", DOTTED, 40, "GitHub: buildkite"),
    Shape("octopus", "API-", UPPER, 26, "gitleaks: octopus-deploy-api-key", cut=False),
    Shape("harness", "pat.", DOTTED, 60, "trufflehog: harness", cut=False),
    Shape("sonar user", "squ_", HEX, 40, "trufflehog: sonarcloud"),
    Shape("sonar project", "sqp_", HEX, 40, "kingfisher: sonarqube"),
    Shape("sonar analysis", "sqa_", HEX, 40, "kingfisher: sonarqube"),
    Shape("sonar cloud", "sqco_", WORD, 40, "kingfisher: sonarqube"),
    Shape("snyk", "snyk_", DOTTED, 30, "kingfisher: snyk", cut=False),
    Shape("prefect user", "pnu_", ALNUM, 36, "gitleaks: prefect-api-token"),
    Shape("prefect bot", "pnb_", ALNUM, 36, "GitHub: prefect"),
    Shape("socket", "sktsec_", WORD, 32, "public code of Socket's own tools", cut=False),
    Shape("depot", "depot_", "[A-Za-z0-9_]", 40, "kingfisher: depot", cut=False, named=True),
    Shape("chromatic", "chpt_", ALNUM, 12, "GitHub: chromatic"),
    Shape("infracost", "ico-", ALNUM, 32, "gitleaks: infracost-api-token", cut=False),
    Shape("endor", "endr+", WORD, 16, "trufflehog: endorlabs"),
    # Observability
    Shape("grafana cloud", "glc_", BASE64, 32, "gitleaks: grafana-cloud-api-token"),
    Shape(
        "grafana account", "glsa_", "[A-Za-z0-9_]", 40, "gitleaks: grafana-service-account-token"
    ),
    Shape("grafana api", "eyJrIjoi", BASE64, 70, "gitleaks: grafana-api-key"),
    Shape("new relic user", "NRAK-", UPPER, 27, "gitleaks: new-relic-user-api-key"),
    Shape("new relic browser", "NRJS-", HEX, 19, "gitleaks: new-relic-browser-api-token"),
    Shape("new relic insert", "NRII-", WORD, 32, "gitleaks: new-relic-insert-key"),
    Shape("new relic query", "NRIQ-", WORD, 32, "GitHub: new_relic_insights_query_key"),
    Shape("new relic admin", "NRAA-", HEX, 27, "GitHub: new_relic"),
    Shape("new relic rest", "NRRA-", HEX, 42, "GitHub: new_relic_rest_api_key"),
    Shape("new relic partner", "NRSP-", WORD, 32, "GitHub: new_relic"),
    Shape("sentry organisation", "sntrys_", BASE64, 60, "gitleaks: sentry-org-token"),
    Shape("sentry user", "sntryu_", HEX, 64, "gitleaks: sentry-user-token"),
    Shape("sentry application", "sntrya_", HEX, 64, "GitHub: sentry"),
    Shape("sentry internal", "sntryi_", HEX, 64, "GitHub: sentry"),
    Shape("dynatrace", "dt0c01.", "[A-Za-z0-9.]", 60, "gitleaks: dynatrace-api-token"),
    Shape("dynatrace platform", "dt0s16.", "[A-Za-z0-9.]", 60, "GitHub: dynatrace"),
    Shape("dynatrace oauth", "dt0s02.", "[A-Za-z0-9.]", 60, "GitHub: dynatrace"),
    Shape("dynatrace scim", "dt0s01.", "[A-Za-z0-9.]", 60, "GitHub: dynatrace"),
    Shape("honeycomb ingest", "hcaik_", ALNUM, 58, "docs.honeycomb.io: API keys"),
    Shape("honeycomb ingest, free", "hcxik_", ALNUM, 58, "docs.honeycomb.io: API keys"),
    Shape("honeycomb management", "hcamk_", ALNUM, 58, "docs.honeycomb.io: API keys"),
    Shape("logfire", "pylf_v", "[A-Za-z0-9_]", 40, "logfire.pydantic.dev: write tokens"),
    Shape("rootly", "rootly_", HEX, 64, "GitHub: rootly_api_key"),
    Shape("axiom api", "xaat-", "[0-9a-f-]", 36, "GitHub: axiom_api_token"),
    Shape("axiom personal", "xapt-", "[0-9a-f-]", 36, "GitHub: axiom_personal_token"),
    Shape("axiom ingest", "xait-", "[0-9a-f-]", 36, "GitHub: axiom"),
    Shape("posthog personal", "phx_", ALNUM, 40, "trufflehog: posthog"),
    Shape("posthog secret", "phs_", ALNUM, 40, "GitHub: posthog"),
    Shape("langfuse", "sk-lf-", "[0-9a-f-]", 36, "kingfisher: langfuse"),
    Shape("langsmith", "lsv2_", "[A-Za-z0-9_]", 40, "trufflehog: langsmith"),
    Shape("helicone", "sk-helicone-", "[a-z0-9-]", 28, "docs.helicone.ai: keys", cut=False),
    Shape("launchdarkly sdk", "sdk-", "[0-9a-f-]", 36, "trufflehog: launchdarkly", cut=False),
    Shape("launchdarkly api", "api-", "[0-9a-f-]", 36, "trufflehog: launchdarkly", cut=False),
    Shape("statsig", "secret-", ALNUM, 40, "docs.statsig.com: SDK keys", cut=False),
    Shape("humanloop", "hl_sk_", HEX, 48, "Humanloop's migration guide"),
    Shape("weights and biases", "wandb_v1_", WORD, 40, "docs.wandb.ai: API keys"),
    # Databases
    Shape("planetscale", "pscale_tkn_", "[A-Za-z0-9_.=-]", 32, "gitleaks: planetscale-api-token"),
    Shape(
        "planetscale oauth",
        "pscale_oauth_",
        "[A-Za-z0-9_.=-]",
        32,
        "gitleaks: planetscale-oauth-token",
    ),
    Shape(
        "planetscale password",
        "pscale_pw_",
        "[A-Za-z0-9_.=-]",
        32,
        "gitleaks: planetscale-password",
    ),
    Shape("databricks", "dapi", "[0-9a-f]", 32, "gitleaks: databricks-api-token", cut=False),
    Shape("databricks oauth", "dose", "[0-9a-f]", 32, "GitHub: databricks", cut=False),
    Shape("dbt", "dbtc_", WORD, 40, "docs.getdbt.com: service account tokens", cut=False),
    Shape("dbt user", "dbtu_", WORD, 40, "docs.getdbt.com: personal access tokens", cut=False),
    Shape("neon", "napi_", ALNUM, 60, "kingfisher: neon"),
    Shape("neon password", "npg_", ALNUM, 12, "GitHub: neon"),
    Shape("clickhouse", "4b1d", ALNUM, 38, "gitleaks: clickhouse-cloud-api-secret-key", cut=False),
    Shape("mongodb atlas", "mdb_sa_sk_", WORD, 40, "kingfisher: mongodb"),
    Shape("aiven", "AVNS_", WORD, 19, "GitHub: aiven_service_password"),
    Shape("aiven token", "aivenv1", BASE64, 60, "kingfisher: aiven"),
    Shape("cockroach", "CCDB1_", WORD, 40, "kingfisher: cockroachlabs"),
    Shape("xata", "xau_", ALNUM, 40, "trufflehog: xata"),
    Shape("pinecone", "pcsk_", "[A-Za-z0-9_]", 60, "kingfisher: pinecone"),
    Shape("turbopuffer", "tpuf_", ALNUM, 30, "kingfisher: turbopuffer"),
    Shape("tinybird", "p.eyJ", DOTTED, 60, "GitHub: tinybird"),
    Shape(
        "airtable",
        "pat",
        "[A-Za-z0-9.]",
        79,
        "gitleaks: airtable-personnal-access-token",
        cut=False,
    ),
    # Artificial intelligence
    Shape("openai, no project", "sk-None-", WORD, 40, "detect-secrets: OpenAIDetector"),
    Shape("openai session", "sess-", ALNUM, 40, "public code of OpenAI's dashboard", cut=False),
    Shape(
        "openai ephemeral",
        "ek_",
        "[0-9a-f]",
        32,
        "platform.openai.com/docs/guides/realtime: client secrets",
        cut=False,
    ),
    Shape("llamacloud", "llx-", ALNUM, 40, "docs.cloud.llamaindex.ai: API keys", cut=False),
    Shape("openpipe", "opk_", HEX, 40, "docs.openpipe.ai: API keys", cut=False),
    Shape("hugging face", "hf_", ALNUM, 30, "gitleaks: huggingface-access-token"),
    Shape(
        "hugging face organisation",
        "api_org_",
        ALNUM,
        30,
        "gitleaks: huggingface-organization-api-token",
    ),
    Shape("replicate", "r8_", ALNUM, 37, "trufflehog: replicate"),
    Shape("cerebras", "csk-", ALNUM, 40, "kingfisher: cerebras"),
    Shape("fireworks", "fw_", ALNUM, 22, "kingfisher: fireworks"),
    Shape("nvidia", "nvapi-", WORD, 60, "trufflehog: nvapi"),
    Shape("voyage", "pa-", WORD, 40, "kingfisher: voyageai", cut=False),
    Shape("voyage, atlas", "al-", WORD, 40, "docs.voyageai.com: API key", cut=False),
    Shape("jina", "jina_", WORD, 40, "kingfisher: jina"),
    Shape("tavily", "tvly-", WORD, 32, "kingfisher: tavily"),
    Shape("firecrawl", "fc-", "[0-9a-f]", 32, "kingfisher: firecrawl", cut=False),
    Shape("anyscale", "esecret_", ALNUM, 40, "docs.anyscale.com: API keys"),
    Shape("modal token", "ak-", ALNUM, 22, "modal.com/docs: tokens", cut=False),
    Shape("modal secret", "as-", ALNUM, 22, "modal.com/docs: tokens", cut=False),
    Shape("runpod", "rpa_", UPPER, 40, "kingfisher: runpod"),
    Shape(
        "lambda",
        "secret_",
        "[A-Za-z0-9_.]",
        40,
        "kingfisher: lambda; notion",
        cut=False,
        named=True,
    ),
    Shape("e2b", "e2b_", HEX, 40, "kingfisher: e2b"),
    Shape("browserbase", "bb_live_", WORD, 20, "kingfisher: browserbase"),
    Shape("apify", "apify_api_", ALNUM, 36, "kingfisher: apify"),
    Shape("brave search", "BSA", WORD, 27, "kingfisher: brave", cut=False),
    Shape("friendli", "flp_", ALNUM, 40, "kingfisher: friendli"),
    Shape("cursor", "crsr_", HEX, 40, "kingfisher: cursor"),
    Shape("cursor, old", "key_", "[0-9a-f]", 64, "kingfisher: cursor", cut=False),
    Shape("cartesia", "sk_car_", ALNUM, 20, "kingfisher: cartesia"),
    Shape("composio", "ak_", WORD, 20, "kingfisher: composio", cut=False),
    Shape("dify app", "app-", ALNUM, 24, "docs.dify.ai: API access", cut=False),
    Shape("mem0", "m0-", ALNUM, 40, "docs.mem0.ai: API keys", cut=False),
    # Work and the rest
    # Of a webhook's secret in base64 Stripe's shape, of letters and digits, is the beginning.
    Shape("standard webhooks", "whsec_", BASE64, 32, "standardwebhooks.com: symmetric signatures"),
    Shape("inngest", "signkey-prod-", HEX, 64, "inngest.com/docs: signing keys"),
    Shape("inngest test", "signkey-test-", HEX, 64, "inngest.com/docs: signing keys"),
    Shape("inngest branch", "signkey-branch-", HEX, 64, "inngest.com/docs: signing keys"),
    Shape("trigger.dev", "tr_prod_", ALNUM, 20, "trigger.dev/docs/apikeys", cut=False),
    Shape("trigger.dev development", "tr_dev_", ALNUM, 20, "trigger.dev/docs/apikeys", cut=False),
    Shape("trigger.dev staging", "tr_stg_", ALNUM, 20, "trigger.dev/docs/apikeys", cut=False),
    Shape("trigger.dev preview", "tr_preview_", ALNUM, 20, "trigger.dev/docs/apikeys", cut=False),
    Shape("trigger.dev personal", "tr_pat_", ALNUM, 20, "trigger.dev/docs/apikeys", cut=False),
    Shape(
        "stytch",
        "secret-live-",
        WORD,
        36,
        "stytch.com/docs: project secrets",
        cut=False,
        named=True,
    ),
    Shape(
        "stytch test",
        "secret-test-",
        WORD,
        36,
        "stytch.com/docs: project secrets",
        cut=False,
        named=True,
    ),
    Shape("nightfall", "NF-", ALNUM, 32, "kingfisher: nightfall", cut=False),
    Shape("notion", "ntn_", ALNUM, 40, "gitleaks: notion-api-token"),
    Shape("linear", "lin_api_", ALNUM, 40, "gitleaks: linear-api-key"),
    Shape("linear oauth", "lin_oauth_", ALNUM, 40, "GitHub: linear"),
    Shape("figma", "figd_", WORD, 40, "GitHub: figma_pat"),
    Shape("figma oauth", "figo_", WORD, 40, "GitHub: figma"),
    Shape("dropbox", "sl.", WORD, 60, "gitleaks: dropbox-short-lived-api-token", cut=False),
    Shape("dropbox user", "sl.u.", WORD, 60, "trufflehog: dropbox", cut=False),
    Shape("contentful", "CFPAT-", WORD, 43, "trufflehog: contentfulpersonalaccesstoken"),
    Shape("postman", "PMAK-", "[0-9a-f-]", 59, "gitleaks: postman-api-token"),
    Shape("postman collection", "PMAT-", ALNUM, 26, "GitHub: postman_collection_key"),
    Shape("hubspot na1", "pat-na1-", "[0-9a-f-]", 36, "trufflehog: hubspotapikey"),
    Shape("hubspot na2", "pat-na2-", "[0-9a-f-]", 36, "trufflehog: hubspotapikey"),
    Shape("hubspot eu1", "pat-eu1-", "[0-9a-f-]", 36, "trufflehog: hubspotapikey"),
    Shape("frame.io", "fio-u-", BASE64, 64, "gitleaks: frameio-api-token"),
    Shape("readme", "rdme_", "[a-z0-9]", 70, "gitleaks: readme-api-token"),
    Shape("adobe", "p8e-", WORD, 32, "gitleaks: adobe-client-secret"),
    Shape("facebook", "EAA", ALNUM, 60, "gitleaks: facebook-page-access-token", cut=False),
    Shape("instagram", "IGQ", WORD, 100, "trufflehog: instagram", cut=False),
    Shape(
        "twitter",
        "AAAAAAAAAAAAAAAAAAAAA",
        "[A-Za-z0-9%]",
        80,
        "gitleaks: twitter-bearer-token",
        cut=False,
    ),
    Shape("pinterest", "pina_", ALNUM, 60, "GitHub: pinterest_access_token"),
    Shape("openshift", "sha256~", WORD, 43, "gitleaks: openshift-user-token"),
    Shape("beamer", "b_", BASE64, 44, "gitleaks: beamer-api-token", cut=False),
    Shape("settlemint application", "sm_aat_", ALNUM, 16, "gitleaks: settlemint"),
    Shape("settlemint personal", "sm_pat_", ALNUM, 16, "gitleaks: settlemint"),
    Shape("settlemint service", "sm_sat_", ALNUM, 16, "gitleaks: settlemint"),
    Shape("intra42 user", "s-s4t2ud-", HEX, 64, "gitleaks: intra42-client-secret"),
    Shape("intra42 application", "s-s4t2af-", HEX, 64, "gitleaks: intra42-client-secret"),
    Shape("defined networking", "dnkey-", WORD, 70, "gitleaks: defined-networking-api-token"),
    Shape("wakatime", "waka_", "[0-9a-f-]", 36, "GitHub: wakatime"),
    Shape("typeform", "tfp_", DOTTED, 44, "gitleaks: typeform-api-token"),
    Shape("trello", "ATTA", HEX, 60, "kingfisher: trello", cut=False),
    Shape("clickup", "pk_", "[A-Z0-9_]", 36, "trufflehog: clickuppersonaltoken", cut=False),
    Shape("retool", "retool_01", ALNUM, 24, "trufflehog: retool"),
    Shape("n8n", "n8n_api_", WORD, 20, "docs.n8n.io: authentication"),
    Shape("mapbox secret", "sk.eyJ", DOTTED, 60, "trufflehog: mapbox"),
    Shape("mapbox public", "pk.eyJ", DOTTED, 60, "gitleaks: mapbox-api-token"),
    Shape("mapbox temporary", "tk.eyJ", DOTTED, 60, "GitHub: mapbox"),
    Shape("cal.com", "cal_live_", ALNUM, 30, "kingfisher: calcom"),
    Shape("databento", "db-", ALNUM, 29, "GitHub: databento", cut=False),
    Shape("canva", "cnvca", WORD, 40, "kingfisher: canva", cut=False),
    Shape("persona", "persona_production_", WORD, 30, "GitHub: persona"),
    Shape("persona sandbox", "persona_sandbox_", WORD, 30, "GitHub: persona"),
    Shape("thunderstore", "tss_", ALNUM, 30, "GitHub: thunderstore"),
    Shape("unkey", "unkey_", ALNUM, 20, "GitHub: unkey"),
    Shape("workos", "sk_prod_", ALNUM, 30, "GitHub: workos_production_api_key"),
    Shape("vk", "vk1.a.", WORD, 80, "GitHub: vk"),
    Shape("hcaptcha", "ES_", HEX, 32, "docs.hcaptcha.com: secret", cut=False),
    Shape("turnstile", "0x4AAAAA", WORD, 20, "developers.cloudflare.com: turnstile"),
    Shape("admin key", "admin-", WORD, 20, "no vendor's: our own issue 6", cut=False, named=True),
    Shape("storyblok", "storyblok_", WORD, 20, "kingfisher: storyblok", cut=False),
)

SHAPES: Final = (
    *_ROWS,
    *(
        replace(row, prefix=row.prefix.replace("|", bar))
        for row in _ROWS
        if "|" in row.prefix
        for bar in ("%7C", "%7c")
    ),
    # A webhook's address is a secret, in JSON and inside another address too.
    *(
        replace(row, prefix=row.prefix.replace("/", slash))
        for row in _ROWS
        if "/" in row.prefix
        for slash in ("%2F", "%2f", "\\/")
    ),
    *(
        Shape(f"ory {kind}", f"ory_{kind}_", DOTTED, 32, "ory.com/docs: token formats")
        for kind in ("pat", "apikey", "wak", "at", "rt", "st", "ac")
    ),
    # Tokens and keys of PASETO: github.com/paseto-standard, its PASERK names the keys.
    *(
        Shape(f"paseto {kind}", f"{kind}.", DOTTED, 40, "github.com/paseto-standard", named=True)
        for version in "1234"
        for kind in (
            *(f"v{version}.{purpose}" for purpose in ("local", "public")),
            *(f"k{version}.{purpose}" for purpose in ("local", "secret")),
        )
    ),
    *(
        replace(row, prefix=row.prefix.replace("$", "%24"), body=row.body.replace("$", "$%"))
        for row in _ROWS
        if "$" in row.prefix
    ),
)

SIGNED: Final = (
    Signed(
        "openai, named",
        "(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{0,60}[A-Za-z0-9]{20}",
        "T3BlbkFJ",
        "[A-Za-z0-9_-]{20,200}",
        "detect-secrets: OpenAIDetector; trufflehog: openai",
    ),
    Signed("mailchimp", "[0-9a-f]{32}", "-us[0-9]{1,2}", "", "gitleaks: mailchimp-api-key"),
    Signed(
        "maxmind", "[A-Za-z0-9]{6}_[A-Za-z0-9]{29}", "_mmk", "", "gitleaks: maxmind-license-key"
    ),
    Signed(
        "azure client",
        "[A-Za-z0-9_~.]{3}[0-9]",
        "Q~",
        "[A-Za-z0-9_~.-]{31,34}",
        "gitleaks: azure-ad-client-secret",
    ),
    Signed(
        "azure devops",
        "[A-Za-z0-9]{76}",
        "AZDO",
        "[A-Za-z0-9]{4}",
        "GitHub: azure_devops_personal_access_token",
    ),
    Signed(
        "azure openai",
        "[A-Za-z0-9]{52}",
        "JQQJ99",
        "[A-Za-z0-9]{20,30}",
        "GitHub: azure_openai_key",
    ),
    Signed(
        "azure storage",
        "[A-Za-z0-9+/]{76}",
        r"(?:\+ASt|\+AMC|\+ABa|ACDb|APIM)",
        "[A-Za-z0-9+/]{5,6}={1,2}",
        "GitHub: azure_storage_account_key",
    ),
    Signed(
        "azure messaging",
        "[A-Za-z0-9+/]{33}",
        r"(?:AIoT|\+ASb|\+AEh|\+ARm|AzCa)",
        "[A-Za-z0-9+/]{5,6}=",
        "GitHub: azure_event_hub_key",
    ),
    Signed(
        "azure registry",
        "[A-Za-z0-9+/]{42}",
        r"\+ACR",
        "[A-Za-z0-9+/]{6}",
        "GitHub: azure_container_registry_key",
    ),
    Signed(
        "azure functions",
        "[A-Za-z0-9_-]{44}",
        "AzFu",
        "[A-Za-z0-9_-]{5,6}(?:=|%3[Dd]){1,2}",
        "GitHub: azure_function_key",
    ),
    Signed(
        "azure search",
        "[A-Za-z0-9]{42}",
        "AzSe",
        "[A-Za-z0-9]{6}",
        "GitHub: azure_search_admin_key",
    ),
    Signed(
        "terraform cloud",
        "[A-Za-z0-9]{14}",
        r"\.atlasv1\.",
        "[A-Za-z0-9_=-]{40,80}",
        "gitleaks: hashicorp-tf-api-token",
    ),
    Signed(
        "telegram",
        "(?:bot)?[0-9]{4,15}",
        "[0-9](?::|%3[Aa])A[A-Za-z0-9_-]{32}",
        "[A-Za-z0-9_-]{2}",
        "gitleaks: telegram-bot-api-token; in a URL core.telegram.org/bots/api",
    ),
    Signed(
        "discord",
        "[MNO][A-Za-z0-9_-]{23,27}",
        r"\.[A-Za-z0-9_-]{6}\.",
        "[A-Za-z0-9_-]{27,38}",
        "GitHub: discord_bot_token",
    ),
    Signed(
        "facebook app",
        "[0-9]{14,15}",
        r"[0-9](?:\||%7C)[A-Za-z0-9_-]{16}",
        "[A-Za-z0-9_-]{11,24}",
        "gitleaks: facebook-access-token",
    ),
    Signed("new relic licence", "[0-9a-f]{36}", "NRAL", "", "GitHub: new_relic_license_key"),
    Signed("deepl", "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", ":fx", "", "kingfisher: deepl"),
    Signed(
        "ghost", "[0-9a-f]{23}", "[0-9a-f]:[0-9a-f]{32}", "[0-9a-f]{32}", "ghost.org/docs/admin-api"
    ),
    Signed(
        "asana",
        r"[12](?:\\?/|%2F)[0-9]{10,20}(?:(?:\\?/|%2F)[0-9]{10,20})?",
        "[0-9](?::|%3A)[0-9a-f]{32}",
        "",
        "trufflehog: asanapersonalaccesstoken",
    ),
    Signed(
        "bitwarden",
        r"0\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        r"\.[A-Za-z0-9]{30}(?::|%3[Aa])",
        "(?:[A-Za-z0-9+/]|%2[BbFf]){22}(?:=|%3[Dd]){2}",
        "bitwarden.com/help: access tokens",
    ),
    Signed(
        "mailgun signing",
        "[0-9a-f]{32}",
        "-[0-9a-f]{8}-[0-9a-f]{8}",
        "",
        "gitleaks: mailgun-signing-key",
    ),
    Signed(
        "firebase messaging",
        "AAAA[A-Za-z0-9_-]{7}",
        "(?::|%3[Aa])APA91b",
        "[A-Za-z0-9_-]{100,180}",
        "trufflehog: fcm; firebase.google.com/docs/cloud-messaging",
    ),
    Signed(
        "boundary",
        "at_[A-Za-z0-9]{10}",
        "_s1[A-Za-z0-9]{16}",
        "[A-Za-z0-9]{40,300}",
        "developer.hashicorp.com/boundary/docs: tokens",
    ),
    Signed(
        "authress",
        "(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\\.[a-z0-9]{4,6}",
        r"\.acc[_-]",
        r"[a-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}",
        "gitleaks: authress-service-client-access-key",
    ),
)
