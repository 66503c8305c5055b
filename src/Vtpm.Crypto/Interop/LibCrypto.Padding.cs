using System.Runtime.InteropServices;

namespace Vtpm.Crypto;

/// <content>The paddings of RSA encryption; libcrypto removes them in constant time.</content>
internal static partial class LibCrypto
{
    [LibraryImport(Library)]
    internal static partial nint EVP_sha1();

    [LibraryImport(Library)]
    internal static partial int RSA_padding_add_PKCS1_OAEP_mgf1(
        Span<byte> to, int toLength, ReadOnlySpan<byte> from, int fromLength, ReadOnlySpan<byte> label, int labelLength, nint digest, nint mgf1Digest);

    [LibraryImport(Library)]
    internal static partial int RSA_padding_check_PKCS1_OAEP_mgf1(
        Span<byte> to, int toLength, ReadOnlySpan<byte> from, int fromLength, int modulusLength, ReadOnlySpan<byte> label, int labelLength, nint digest, nint mgf1Digest);

    [LibraryImport(Library)]
    internal static partial int RSA_padding_check_PKCS1_type_2(Span<byte> to, int toLength, ReadOnlySpan<byte> from, int fromLength, int modulusLength);
}
