namespace Vtpm.Engine;

/// <summary>
/// Why a TPM is in failure mode: what TPM_GetTestResult answers, as a UINT32. Numbers are frozen; they say nothing of an individual TPM.
/// </summary>
public enum FailureCause : uint
{
    /// <summary>The latest self-test has passed.</summary>
    None = 0,

    /// <summary>SHA-1, or HMAC with it, gave a wrong value.</summary>
    Hash = 1,

    /// <summary>AES in counter mode gave a wrong value.</summary>
    Cipher = 2,

    /// <summary>RSA gave a wrong value, or took a wrong one for right.</summary>
    Rsa = 3,

    /// <summary>The random number generator repeated itself.</summary>
    Random = 4,

    /// <summary>TPM_Startup(ST_STATE) found no state to restore (Part 3 §3.2 action 3a).</summary>
    NoSavedState = 5,

    /// <summary>A command failed in a way that it cannot: a defect of this program.</summary>
    Defect = 6,
}
