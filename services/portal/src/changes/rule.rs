//! The rules: what a change is called, and whom it breaks.
//!
//! Requests are written by clients and read by the service, answers the other way round. So what narrows the values that
//! there may be breaks clients where it is in requests, and what widens them where it is in answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whom a change breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No client.
    Compatible,
    /// Clients that rely on more than they should.
    Warning,
    /// Clients that use what has changed.
    Breaking,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Warning => "warning",
            Self::Breaking => "breaking",
        }
    }
}

/// The direction in which a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Request,
    Response,
}

impl Side {
    /// What brings the value, in the plural.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Request => "requests",
            Self::Response => "responses",
        }
    }
}

/// Each rule with its name, and how bad what it finds is: in requests, and in answers.
macro_rules! rules {
    ($($rule:ident $id:literal $request:ident $response:ident;)*) => {
        /// A rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Rule { $($rule,)* }

        impl Rule {
            /// All of them.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$rule,)*];

            /// Its name, which stays.
            pub(super) fn id(self) -> &'static str {
                match self { $(Self::$rule => $id,)* }
            }

            /// How bad what it finds is.
            pub(super) fn severity(self, side: Side) -> Severity {
                match (self, side) {
                    $((Self::$rule, Side::Request) => Severity::$request,
                      (Self::$rule, Side::Response) => Severity::$response,)*
                }
            }
        }
    };
}

rules! {
    // Documents and operations: nothing has a direction.
    VersionChanged "version-changed" Compatible Compatible;
    PathRemoved "path-removed" Breaking Breaking;
    PathAdded "path-added" Compatible Compatible;
    OperationRemoved "operation-removed" Breaking Breaking;
    DeprecatedOperationRemoved "deprecated-operation-removed" Warning Warning;
    OperationAdded "operation-added" Compatible Compatible;
    OperationDeprecated "operation-deprecated" Compatible Compatible;
    OperationUndeprecated "operation-undeprecated" Compatible Compatible;
    OperationIdChanged "operation-id-changed" Warning Warning;
    ComparisonIncomplete "comparison-incomplete" Warning Warning;

    // Who may ask.
    SecurityAdded "security-added" Breaking Breaking;
    SecurityRemoved "security-removed" Compatible Compatible;
    SecurityAlternativeRemoved "security-alternative-removed" Breaking Breaking;
    SecurityAlternativeAdded "security-alternative-added" Compatible Compatible;
    SecurityScopeAdded "security-scope-added" Breaking Breaking;
    SecurityScopeRemoved "security-scope-removed" Compatible Compatible;
    SecuritySchemeChanged "security-scheme-changed" Breaking Breaking;

    // What is sent.
    ParameterAddedRequired "parameter-added-required" Breaking Breaking;
    ParameterAdded "parameter-added" Compatible Compatible;
    ParameterRemoved "parameter-removed" Warning Warning;
    ParameterMoved "parameter-moved" Breaking Breaking;
    ParameterBecameRequired "parameter-became-required" Breaking Breaking;
    ParameterBecameOptional "parameter-became-optional" Compatible Compatible;
    ParameterStyleChanged "parameter-style-changed" Breaking Breaking;
    ParameterDeprecated "parameter-deprecated" Compatible Compatible;
    PathParameterRenamed "path-parameter-renamed" Compatible Compatible;
    BodyAddedRequired "request-body-added-required" Breaking Breaking;
    BodyAdded "request-body-added" Compatible Compatible;
    BodyRemoved "request-body-removed" Breaking Breaking;
    BodyBecameRequired "request-body-became-required" Breaking Breaking;
    BodyBecameOptional "request-body-became-optional" Compatible Compatible;

    // What comes back.
    SuccessStatusRemoved "success-status-removed" Breaking Breaking;
    SuccessStatusAdded "success-status-added" Warning Warning;
    FailureStatusRemoved "failure-status-removed" Compatible Compatible;
    FailureStatusAdded "failure-status-added" Compatible Compatible;
    ResponseHeaderRemoved "response-header-removed" Breaking Breaking;
    ResponseHeaderAdded "response-header-added" Compatible Compatible;

    // Bodies and values, which go in one direction or the other.
    MediaTypeRemoved "media-type-removed" Breaking Breaking;
    MediaTypeAdded "media-type-added" Compatible Compatible;
    TypeChanged "type-changed" Breaking Breaking;
    TypeNarrowed "type-narrowed" Breaking Compatible;
    TypeWidened "type-widened" Compatible Breaking;
    BecameNullable "became-nullable" Compatible Breaking;
    BecameNotNullable "became-not-nullable" Breaking Compatible;
    FormatChanged "format-changed" Breaking Breaking;
    FormatAdded "format-added" Warning Compatible;
    FormatRemoved "format-removed" Compatible Warning;
    EnumAdded "enum-added" Breaking Compatible;
    EnumRemoved "enum-removed" Compatible Warning;
    EnumValueRemoved "enum-value-removed" Breaking Compatible;
    EnumValueAdded "enum-value-added" Compatible Warning;
    BoundTightened "bound-tightened" Breaking Compatible;
    BoundLoosened "bound-loosened" Compatible Warning;
    PatternAdded "pattern-added" Breaking Compatible;
    PatternRemoved "pattern-removed" Compatible Warning;
    PatternChanged "pattern-changed" Warning Warning;
    DefaultChanged "default-changed" Warning Compatible;
    VariantRemoved "variant-removed" Breaking Compatible;
    VariantAdded "variant-added" Compatible Warning;
    DiscriminatorChanged "discriminator-changed" Breaking Breaking;
    DiscriminatorValueRemoved "discriminator-value-removed" Breaking Compatible;
    DiscriminatorValueAdded "discriminator-value-added" Compatible Warning;
    RequiredPropertyAdded "required-property-added" Breaking Compatible;
    PropertyAdded "property-added" Compatible Compatible;
    RequiredPropertyRemoved "required-property-removed" Warning Breaking;
    PropertyRemoved "property-removed" Warning Warning;
    PropertyRefused "property-refused" Breaking Breaking;
    PropertyBecameRequired "property-became-required" Breaking Compatible;
    PropertyBecameOptional "property-became-optional" Compatible Breaking;
    PropertyDeprecated "property-deprecated" Compatible Compatible;
    OtherPropertiesForbidden "other-properties-forbidden" Breaking Compatible;
    OtherPropertiesAllowed "other-properties-allowed" Compatible Compatible;
}
