namespace Vtpm.Wire;

/// <summary><c>fixed</c>, the member of TPM_SIGN_INFO, Part 2 §5.14: four characters that name the signing command.</summary>
public enum TpmSignInfoFixed : uint
{
    None = 0,

    /// <summary>"ADIG": TPM_GetAuditDigestSigned.</summary>
    Adig = 0x41444947,

    /// <summary>"SIGN": TPM_Sign with TPM_SS_RSASSAPKCS1v15_INFO.</summary>
    Sign = 0x5349474E,

    /// <summary>"TSTP": TPM_TickStampBlob.</summary>
    Tstp = 0x54535450,

    /// <summary>"TRAN": TPM_ReleaseTransportSigned.</summary>
    Tran = 0x5452414E,
}
