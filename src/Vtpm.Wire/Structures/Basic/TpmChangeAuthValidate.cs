namespace Vtpm.Wire;

/// <summary><c>TPM_CHANGEAUTH_VALIDATE</c>, Part 2 §5.11: a new authorization value and the nonce of the one who sets it.</summary>
public struct TpmChangeAuthValidate : IWireStructure<TpmChangeAuthValidate>
{
    public TpmAuthData NewAuthSecret;
    public TpmNonce N1;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmChangeAuthValidate value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.NewAuthSecret);
        wire.Structure(ref value.N1);
    }
}
