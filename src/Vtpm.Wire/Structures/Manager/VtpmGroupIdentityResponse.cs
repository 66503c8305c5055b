namespace Vtpm.Wire;

/// <summary><c>GROUP_IDENTITY</c> (ours), response.</summary>
public struct VtpmGroupIdentityResponse : IWireStructure<VtpmGroupIdentityResponse>
{
    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> AikModulus;

    /// <summary>256 bytes: by the new key.</summary>
    public ReadOnlyMemory<byte> IdentityBinding;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupIdentityResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Exact(ref value.AikModulus, 256);
        wire.Exact(ref value.IdentityBinding, 256);
    }
}
