namespace Vtpm.Wire;

/// <summary><c>MANAGER_PLATFORM</c> (ours), response: what the selected PCRs of the hardware are approved by.</summary>
public struct VtpmManagerPlatformResponse : IWireStructure<VtpmManagerPlatformResponse>
{
    /// <summary>The family of a TPM 1.2.</summary>
    public const ushort Tpm12 = 0x0102;

    /// <summary>The family of a TPM 2.0.</summary>
    public const ushort Tpm20 = 0x0200;

    /// <summary>Of the hardware TPM.</summary>
    public ushort Family;

    /// <summary>The bank that the image is sealed to, as a TPM_ALG_ID: 4 is SHA-1, which is also a TPM 1.2's, 11 SHA-256.</summary>
    public ushort Bank;

    /// <summary>Of the present values.</summary>
    public TpmDigest Composite;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmManagerPlatformResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt16(ref value.Family);
        wire.UInt16(ref value.Bank);
        wire.Structure(ref value.Composite);
    }
}
