using System.Runtime.InteropServices;

namespace Vtpm.Crypto;

/// <content>
/// The paddings of RSA encryption, apart from the operations: one blinded operation serves them all, and no release of libcrypto decides what a bad padding means.
/// </content>
internal static partial class LibCrypto
{
    [LibraryImport(Library)]
    internal static partial int RSA_padding_add_PKCS1_OAEP_mgf1(
        Span<byte> to, int toLength, ReadOnlySpan<byte> from, int fromLength, ReadOnlySpan<byte> label, int labelLength, nint digest, nint mgf1Digest);

    /// <returns>The length of the message, or -1. Which of the two, and why, does not show in the time it takes.</returns>
    [LibraryImport(Library)]
    internal static partial int RSA_padding_check_PKCS1_OAEP_mgf1(
        Span<byte> to,
        int toLength,
        ReadOnlySpan<byte> from,
        int fromLength,
        int modulusLength,
        ReadOnlySpan<byte> label,
        int labelLength,
        nint digest,
        nint mgf1Digest);

    /// <returns>The length of the message, or -1. Which of the two, and why, does not show in the time it takes.</returns>
    [LibraryImport(Library)]
    internal static partial int RSA_padding_check_PKCS1_type_2(Span<byte> to, int toLength, ReadOnlySpan<byte> from, int fromLength, int modulusLength);

    [LibraryImport(Library)]
    internal static partial nint EVP_sha1();
}
