namespace Vtpm.Wire;

/// <summary><c>TPM_IDENTITY_PROOF</c>, Part 2 §12.7: the evidence a platform gives a privacy CA; all sizes stand before the first field.</summary>
public struct TpmIdentityProof : IWireStructure<TpmIdentityProof>
{
    public TpmPubKey IdentityKey;
    public ReadOnlyMemory<byte> LabelArea;

    /// <summary>The signature over the TPM_IDENTITY_CONTENTS.</summary>
    public ReadOnlyMemory<byte> IdentityBinding;
    public ReadOnlyMemory<byte> EndorsementCredential;
    public ReadOnlyMemory<byte> PlatformCredential;
    public ReadOnlyMemory<byte> ConformanceCredential;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmIdentityProof value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Version11();
        int labelSize = wire.Length32(value.LabelArea);
        int identityBindingSize = wire.Length32(value.IdentityBinding);
        int endorsementSize = wire.Length32(value.EndorsementCredential);
        int platformSize = wire.Length32(value.PlatformCredential);
        int conformanceSize = wire.Length32(value.ConformanceCredential);
        wire.Structure(ref value.IdentityKey);
        wire.Run(ref value.LabelArea, labelSize);
        wire.Run(ref value.IdentityBinding, identityBindingSize);
        wire.Run(ref value.EndorsementCredential, endorsementSize);
        wire.Run(ref value.PlatformCredential, platformSize);
        wire.Run(ref value.ConformanceCredential, conformanceSize);
    }
}
