using Microsoft.Win32.SafeHandles;

namespace Vtpm.Crypto;

/// <summary>Owns libcrypto's <c>RSA</c>. Freeing it clears its private numbers.</summary>
internal sealed class SafeRsaHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    // What a used key of 2048 bits takes in libcrypto's heap, where the collector cannot see it: untold, it would let dropped keys pile up.
    private const int NativeSize = 5 * 1024;

    public SafeRsaHandle()
        : base(ownsHandle: true)
    {
    }

    internal static SafeRsaHandle Create()
    {
        SafeRsaHandle rsa = LibCrypto.RSA_new();
        LibCrypto.Require(!rsa.IsInvalid, nameof(LibCrypto.RSA_new));
        GC.AddMemoryPressure(NativeSize);
        return rsa;
    }

    protected override bool ReleaseHandle()
    {
        LibCrypto.RSA_free(handle);
        GC.RemoveMemoryPressure(NativeSize);
        return true;
    }
}
