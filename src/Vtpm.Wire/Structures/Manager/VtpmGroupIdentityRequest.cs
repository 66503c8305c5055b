namespace Vtpm.Wire;

/// <summary><c>GROUP_IDENTITY</c> (ours), request: another identity key for a group.</summary>
public struct VtpmGroupIdentityRequest : IWireStructure<VtpmGroupIdentityRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>The TPM_CHOSENID_HASH of the privacy CA.</summary>
    public TpmDigest LabelDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupIdentityRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.Structure(ref value.LabelDigest);
    }
}
