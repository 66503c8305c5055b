namespace Vtpm.Wire;

/// <summary>
/// <c>VTPM_QUOTE_FLAGS_*</c>, of Xen's vTPM manager: what a quote of the hardware TPM says about the vTPM it is given to, a digest for each bit.
/// </summary>
[Flags]
public enum VtpmQuoteFlags : uint
{
    None = 0,

    /// <summary>SHA-1 of the vTPM's uuid.</summary>
    HashUuid = 1,

    /// <summary>SHA-1 of the vTPM's kernel hash.</summary>
    VtpmMeasurements = 2,

    /// <summary>SHA-1 of the group's key and configuration.</summary>
    GroupInfo = 4,

    /// <summary>SHA-1 of the group's key.</summary>
    GroupPubkey = 8,
}
