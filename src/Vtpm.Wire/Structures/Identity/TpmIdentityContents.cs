namespace Vtpm.Wire;

/// <summary><c>TPM_IDENTITY_CONTENTS</c>, Part 2 §12.5: what TPM_MakeIdentity signs.</summary>
public struct TpmIdentityContents : IWireStructure<TpmIdentityContents>
{
    public TpmDigest LabelPrivCADigest;
    public TpmPubKey IdentityPubKey;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmIdentityContents value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Version11();
        wire.Constant((uint)TpmOrdinal.MakeIdentity);
        wire.Structure(ref value.LabelPrivCADigest);
        wire.Structure(ref value.IdentityPubKey);
    }
}
